import TallyCore
import TestSupport
import Testing

@testable import TallyHandlers

@Suite struct `The words of a command` {
    @Test(arguments: [
        ("resize", ["resize"]), ("  resize  --width 80 ", ["resize", "--width", "80"]),
        ("echo $HOME * ~ a;b | c", ["echo", "$HOME", "*", "~", "a;b", "|", "c"]),
        (#"["sed", "s/ /_/g"]"#, ["sed", "s/ /_/g"]), (#" ["a", "", "\"\u00e9'"] "#, ["a", "", "\"é'"]),
        ("größe", ["größe"]),
    ])
    func `stand between spaces, or in a JSON array`(_ line: String, _ words: [String]) throws {
        #expect(try ExecHandler.words(of: line) == words)
    }

    @Test(arguments: [
        "", "   ", "[]", "[", "[1]", #"["a", null]"#, #"["a"] b"#, #"["a""#, "sh -c 'echo hi'", #"say "hi""#,
        #"a\ b"#,
    ])
    func `are refused where they were meant for a shell, or are none`(_ line: String) async {
        #expect(await caught(InvalidSetting.self) { try ExecHandler.words(of: line) } != nil)
    }
}

@Suite struct `The lines of standard error` {
    @Test func `are the same however the bytes are cut up`() {
        let bytes = Array("one\r\n\ntwo\nthree".utf8)
        for size in 1...bytes.count {
            var lines = ErrorLines()
            var told: [String] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                told += lines.add(bytes[start..<min(start + size, bytes.count)])
            }
            #expect(told == ["one", "", "two"])
            #expect(lines.finish() == ["three"] && lines.finish() == [])
            #expect(lines.tail == "one\n\ntwo\nthree")
        }
    }

    private static let told: [(String, Double, String)] = [
        ("tally-progress 0.4 half of the pages", 0.4, "half of the pages"), ("tally-progress 0", 0, ""),
        ("tally-progress 1\r", 1, ""), ("tally-progress   0.5\t two  words", 0.5, "two  words"),
        ("tally-progress 25e-2 \u{E4}", 0.25, "\u{E4}"),
    ]

    @Test(arguments: told)
    func `say how far a job is, and are then none`(_ line: String, _ fraction: Double, _ text: String) throws
    {
        var lines = ErrorLines()

        #expect(lines.add(Array("a\n\(line)\nb\n".utf8)[...]) == ["a", "b"])

        let (first, second) = (lines.takeProgress(), lines.takeProgress())
        #expect(first?.fraction == fraction && first?.text == text && second == nil)
        #expect(lines.tail == "a\nb")
    }

    @Test(arguments: [
        "tally-progress", "tally-progress ", "tally-progress half", "tally-progress 40 percent",
        "tally-progress 40%", "tally-progress 1.01", "tally-progress -0.1", "tally-progress nan",
        "tally-progress inf", "tally-progress 0.4, half", "tally-progress: 0.4", " tally-progress 0.4",
        "tally-progress0.4", "Tally-Progress 0.4", "tally-progress 0x0.8p0 x", "tally-progress 0x1",
    ])
    func `that say so wrongly are lines like any other`(_ line: String) {
        var lines = ErrorLines()

        #expect(lines.add(Array("\(line)\n".utf8)[...]) == [line])

        let told = lines.takeProgress()
        #expect(told == nil && lines.tail == line)
    }

    @Test func `say how far a job is also beyond the lines that are handed on, and the last counts`() {
        var lines = ErrorLines()
        _ = lines.add(Array(String(repeating: "x\n", count: Limits.programLines + 1).utf8)[...])

        #expect(lines.add(Array("tally-progress 0.1\ntally-progress 0.2 b\nx\n".utf8)[...]) == [])

        let told = lines.takeProgress()
        #expect(told?.fraction == 0.2)
    }

    @Test func `stay within their bounds, whatever is written`() {
        let long = [UInt8](repeating: 0x61, count: 5000) + [10]
        var lines = ErrorLines()
        var told: [String] = []
        for _ in 0..<50 { told += lines.add(long[...]) }
        told += lines.add(Array("short\n".utf8)[...])

        #expect(told.allSatisfy { $0.utf8.count == Limits.programLineBytes })
        #expect(told.count == Limits.programLinesBytes / Limits.programLineBytes)
        #expect(lines.tail.hasSuffix("\nshort") && lines.tail.utf8.count < Limits.programTailBytes)

        // Of one line that never ends only the beginning is kept.
        var endless = ErrorLines()
        for _ in 0..<1000 { #expect(endless.add(long.dropLast()) == []) }
        #expect(endless.finish().map(\.utf8.count) == [Limits.programLineBytes])
    }
}
