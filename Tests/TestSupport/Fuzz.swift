import Foundation
import Glibc
import TallyTesting

/// Tries a parser of bytes from outside on inputs that are drawn from a seed: the corpus as it stands, then changes
/// of it. Every input follows from the seed and its number alone, so what was found is found again.
///
///     TALLY_FUZZ_SECONDS=600 ops/test 'A parser of'     each parser for ten minutes instead of a moment
///     TALLY_FUZZ_SEED=7                                 other inputs
///     TALLY_FUZZ_SEED=7 TALLY_FUZZ_INPUT=1234           that one input alone
///
/// An input that once was found goes into the corpus: a line of `Tests/Corpus/NAME.txt`.
package struct Fuzz: Sendable {
    /// What a parser made of one input that it should not have.
    package struct Finding: Error, CustomStringConvertible {
        package let description: String
    }

    private let name: String
    private let corpus: [[UInt8]]
    private let environment = ProcessInfo.processInfo.environment
    /// Enough to meet what is near, in a moment.
    private static let inputs = 5000
    private static let time: Duration = .seconds(2)
    private static let mostBytes = 8192
    private static let turn = NSLock()

    /// - Parameter more: what is made rather than written, such as a record with its hash.
    /// - Throws: where the corpus cannot be read, or holds nothing.
    package init(_ name: String, and more: [[UInt8]] = [], file: String = #filePath) throws {
        self.name = name
        let path = URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Corpus/\(name).txt")
        let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
        corpus = try lines.map { try Self.bytes(of: String($0)) } + more
        if lines.isEmpty { throw Finding(description: "\(path.path) is empty") }
    }

    /// Runs on a thread of its own, behind all others, and one parser after the other: it computes without a pause,
    /// and what the tests beside it renew by the second would run out.
    ///
    /// - Parameter judge: parses, and says what is wrong with what came of it; nil = nothing. What it throws is wrong
    ///   too. What it refuses it must catch.
    /// - Throws: `Finding` for the first input that something is wrong with. An input that ends the process is named
    ///   on standard error before.
    package func run(_ judge: @escaping @Sendable ([UInt8]) throws -> String?) async throws {
        let found: Finding? = await withCheckedContinuation { caller in
            let thread = Thread {
                setpriority(Int32(PRIO_PROCESS.rawValue), 0, 10)  // of this thread alone, on Linux
                Self.turn.lock()
                let found = search(judge)
                Self.turn.unlock()
                caller.resume(returning: found)
            }
            thread.stackSize = 8 << 20
            thread.start()
        }
        if let found { throw found }
    }

    private func search(_ judge: ([UInt8]) throws -> String?) -> Finding? {
        let seed = environment["TALLY_FUZZ_SEED"].flatMap { UInt64($0) } ?? 20_301
        let only = environment["TALLY_FUZZ_INPUT"].flatMap { Int($0) }
        let seconds = environment["TALLY_FUZZ_SECONDS"].flatMap { Int($0) }
        let end = ContinuousClock.now + (seconds.map { .seconds($0) } ?? Self.time)
        let mark = FuzzMark(name, seed)
        defer { mark.end() }
        var number = only ?? 0
        repeat {
            mark.stand(at: number)
            let input = input(number, seed)
            var problem: String?
            do { problem = try judge(input) } catch { problem = "it threw \(error)" }
            if let problem {
                return Finding(
                    description: "\(name): seed \(seed), input \(number): \(problem). The input is "
                        + "\(Self.text(of: input)); again by TALLY_FUZZ_SEED=\(seed) TALLY_FUZZ_INPUT=\(number)"
                )
            }
            number += 1
            if only != nil { return nil }
        } while ContinuousClock.now < end && (seconds != nil || number < Self.inputs + corpus.count)
        return nil
    }

    // MARK: Inputs

    private func input(_ number: Int, _ seed: UInt64) -> [UInt8] {
        if number < corpus.count { return corpus[number] }
        var random = SplitMix64(seed: seed &+ UInt64(number) &* 0x9E37_79B9_7F4A_7C15)
        var bytes = corpus[Int(random.next() % UInt64(corpus.count))]
        for _ in 0...(random.next() % 6) { change(&bytes, &random) }
        return bytes.count > Self.mostBytes ? Array(bytes.prefix(Self.mostBytes)) : bytes
    }

    /// What parsers stumble over: ends of types, of text and of escapes.
    private static let texts: [String] = [
        "", "0", "-1", "-", "+", ".", "e", "\0", "\n", "\r\n", "\t", " ", "\"", "'", "\\", "\\u", "\\ud800",
        "{",
        "}", "[", "]", "(", ")", ",", ":", ";", "=", "#", "%", "%zz", "@", "/", "://", "?", "&", "$", "--",
        "\u{FEFF}", "\u{1B}[", "é", "漢", "🦆", "٣", "null", "true", "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808", "18446744073709551616", "1e999", "0.0000000000000000001",
    ]
    private static let runs: [[UInt8]] = [
        [0xFF], [0x80], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0, 0],
        [0xFF, 0xFF, 0xFF, 0xFF], [0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        [0x80, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1],
    ]
    private static let marks: [[UInt8]] = texts.map { Array($0.utf8) } + runs

    private func change(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
        func below(_ bound: Int) -> Int { Int(random.next() % UInt64(max(1, bound))) }
        let at = below(bytes.count + 1)
        let length = below(min(16, bytes.count - at) + 1)
        switch below(10) {
        case 0 where at < bytes.count: bytes[at] ^= UInt8(1 << below(8))
        case 1 where at < bytes.count: bytes[at] = UInt8(below(256))
        case 2: bytes.removeSubrange(at..<(at + length))
        case 3: bytes.insert(contentsOf: bytes[at..<(at + length)], at: at)
        case 4: bytes.removeLast(bytes.count - at)
        case 5: bytes.replaceSubrange(at..<(at + length), with: Self.marks[below(Self.marks.count)])
        case 6:
            let other = corpus[below(corpus.count)]
            bytes.replaceSubrange(at..., with: other[below(other.count + 1)...])
        case 7:
            let part = Array(bytes[at..<(at + length)])
            let times = below(below(20) == 0 ? 1000 : 8)
            bytes.insert(contentsOf: repeatElement(part, count: times).joined(), at: at)
        case 8 where bytes.count > 1: bytes.swapAt(below(bytes.count), below(bytes.count))
        default: bytes.insert(contentsOf: Self.marks[below(Self.marks.count)], at: at)
        }
    }

    // MARK: The corpus as text

    /// A line: printable ASCII as it is, `\n`, `\r`, `\t`, `\\`, and any other byte as `\x` and two digits.
    package static func bytes(of line: String) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(line.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "n"): bytes.append(10)
            case UInt8(ascii: "r"): bytes.append(13)
            case UInt8(ascii: "t"): bytes.append(9)
            case UInt8(ascii: "\\"): bytes.append(byte)
            case UInt8(ascii: "x"):
                guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                    throw Finding(description: "no byte: \(line)")
                }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default: throw Finding(description: "no escape: \(line)")
            }
        }
        return bytes
    }

    /// Bytes as such a line.
    package static func text(of bytes: [UInt8]) -> String {
        bytes.map { byte -> String in
            switch byte {
            case UInt8(ascii: "\\"): "\\\\"
            case 0x20...0x7E: String(UnicodeScalar(byte))
            default: "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }.joined()
    }
}

/// At which input a thread is, where the handler of a signal finds it: a trap ends the process before anything is
/// thrown.
private struct FuzzMark {
    private struct Place {
        var thread: pthread_t = 0
        var name: UnsafeMutablePointer<CChar>?
        var seed: UInt64 = 0
        var number: UInt64 = 0
    }
    private static let most = 64
    /// Each place is written by the thread that took it, and read by that thread's own handler.
    nonisolated(unsafe) private static let places: UnsafeMutablePointer<Place> = {
        let places = UnsafeMutablePointer<Place>.allocate(capacity: most)
        places.initialize(repeating: Place(), count: most)
        for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT] {
            signal(number) { number in
                FuzzMark.tell()
                signal(number, SIG_DFL)
                raise(number)
            }
        }
        return places
    }()
    private static let lock = NSLock()
    private let place: UnsafeMutablePointer<Place>?

    init(_ name: String, _ seed: UInt64) {
        Self.lock.lock()
        defer { Self.lock.unlock() }
        place = (0..<Self.most).lazy.map { Self.places + $0 }.first { $0.pointee.name == nil }
        place?.pointee = Place(thread: pthread_self(), name: strdup(name), seed: seed)
    }

    func stand(at number: Int) { place?.pointee.number = UInt64(number) }

    func end() {
        Self.lock.lock()
        defer { Self.lock.unlock() }
        free(place?.pointee.name)
        place?.pointee = Place()
    }

    /// Calls nothing but what a signal's handler may call.
    private static func tell() {
        for at in 0..<most where places[at].thread == pthread_self() {
            guard let name = places[at].name else { continue }
            say("\nfuzz: ")
            _ = write(2, name, strlen(name))
            say(" ends the process; again by TALLY_FUZZ_SEED=")
            say(places[at].seed)
            say(" TALLY_FUZZ_INPUT=")
            say(places[at].number)
            say("\n")
        }
    }

    private static func say(_ text: StaticString) { _ = write(2, text.utf8Start, text.utf8CodeUnitCount) }

    private static func say(_ number: UInt64) {
        if number >= 10 { say(number / 10) }
        var digit = UInt8(48 + number % 10)
        _ = write(2, &digit, 1)
    }
}
