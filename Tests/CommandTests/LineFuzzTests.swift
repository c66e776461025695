import TallyCore
import TestSupport
import Testing

@testable import TallyCommandLine
@testable import tally

@Suite struct `A parser of bytes that a person typed` {
    @Test func `takes lines of jobs, and makes of each a job that may be enqueued, or refuses it`()
        async throws
    {
        try await Fuzz("lines").run { bytes in
            do {
                try JobLine.record(bytes).check()
                return nil
            } catch let error as Usage {
                return error.description.isEmpty ? "refused without a word" : nil
            }
        }
    }

    @Test func `cuts bytes into the same lines however they come`() async throws {
        try await Fuzz("lines").run { bytes in
            let most = 32
            func cut(_ parts: [ArraySlice<UInt8>]) -> [LineCutter.Line] {
                var (cutter, lines) = (LineCutter(bound: most), [LineCutter.Line]())
                for part in parts {
                    cutter.add(Array(part))
                    while let line = cutter.next() { lines.append(line) }
                }
                if let rest = cutter.rest() { lines.append(rest) }
                return lines
            }
            let whole = cut([bytes[...]])
            let size = 1 + bytes.count % 7
            let parts = stride(from: 0, to: bytes.count, by: size).map { at in
                bytes[at..<min(at + size, bytes.count)]
            }
            return cut(parts) == whole ? nil : "other lines by pieces of \(size)"
        }
    }

    @Test func `takes the words of a command`() async throws {
        let grammar = Grammar(
            flags: ["rate", "where"], switches: ["go", "json"], repeatable: ["where"], raw: [])
        try await Fuzz("words").run { bytes in
            let words = bytes.split(separator: 32, omittingEmptySubsequences: false).map { Array($0) }
            do throws(Usage) {
                let arguments = try Arguments(words, grammar)
                _ = try arguments.number("rate", in: 1...100, or: 1)
                return arguments.rest.count > words.count ? "more words than were given" : nil
            } catch {
                return error.description.isEmpty ? "refused without a word" : nil
            }
        }
    }

    @Test func `takes keys of a terminal, the same in one read and in many`() async throws {
        try await Fuzz("keys").run { bytes in
            var (whole, parts) = (KeyParser(), KeyParser())
            let keys = whole.keys(bytes)
            return bytes.flatMap { parts.keys(CollectionOfOne($0)) } == keys ? nil : "other keys byte by byte"
        }
    }
}
