import Foundation
import Glibc
import TallyCore
import TestSupport
import Tallystick
import Testing

@testable import tally

private func bytes(_ words: String...) -> [[UInt8]] { words.map { Array($0.utf8) } }

@Suite struct `An enqueue with every flag` {
    @Test(arguments: ["recorded", "queued"])
    func `reads back from inspect value by value [A1]`(_ mode: String) async throws {
        try await withStores { _, environment in
            let id = JobID()
            let words = [
                "--type", "report.month", "--payload", #"{"a":[1,null]}"#, "--queue", "bulk", "--run-at",
                "2035-01-02T03:04:05.5Z", "--timeout", "1m30s", "--max-attempts", "7", "--max-crashes", "2",
                "--priority", "high", "--tag", "x", "--tag", "y", "--trace", "00-ab-cd-01", "--key", "k",
                "--id", "\(id)", "--mode", mode,
            ]

            let enqueued = try await Tool.run(["enqueue"] + words, environment: environment)
            let shown = try await Tool.run(["inspect", "\(id)", "--json"], environment: environment)

            #expect(enqueued.code == 0 && enqueued.output == "\(id)\n", "\(enqueued.errors)")
            let job = try shown.json()
            let texts = [
                "id": "\(id)", "type": "report.month", "queue": "bulk", "priority": "high", "unique_key": "k",
                "run_at": "2035-01-02T03:04:05.500000Z", "trace": "00-ab-cd-01",
                "status": "scheduled",
            ]
            for (name, value) in texts { #expect(job[name] as? String == value, "\(name) \(shown.output)") }
            let numbers = ["timeout_ms": 90_000, "max_attempts": 7, "max_crashes": 2, "attempts": 0]
            for (name, value) in numbers { #expect(job[name] as? Int == value, "\(name) \(shown.output)") }
            #expect(job["tags"] as? [String] == ["x", "y"])
            let payload = try #require(job["payload"] as? [String: [Any]], "\(shown.output)")
            #expect(payload["a"]?.first as? Int == 1 && payload["a"]?.last is NSNull)
        }
    }
}

/// What goes in is what is stored, to the bit.
@Suite(.serialized) struct `A payload` {
    @Test func `is the bytes that were given, by flag, by file and from standard input [A8]`() async throws {
        try await withStores { scratch, environment in
            let odd: [UInt8] = [0x66, 0xFF, 0xFE, 0x80, 0x22]
            let path = NSTemporaryDirectory() + "/tally-payload-\(UInt32.random(in: 0 ... .max))"
            let all = (0...255).map { UInt8($0) }
            try Data(all).write(to: URL(fileURLWithPath: path))
            defer { unlink(path) }
            func stored(_ words: [[UInt8]], input: String? = nil) async throws -> [UInt8]? {
                let outcome = try await Tool.run(
                    bytes: bytes("enqueue", "--type", "t") + words, environment: environment, inputPath: input
                )
                let id = try #require(JobID(outcome.lines.first ?? ""), "\(outcome.errors)")
                return try await scratch.ledger.jobs([id])[id]?.record.body
            }

            #expect(try await stored([Array("--payload".utf8), odd]) == odd)
            #expect(try await stored([Array("--payload=".utf8) + odd]) == odd)
            #expect(try await stored(bytes("--payload-file", path)) == all)
            #expect(try await stored(bytes("--payload", "-"), input: path) == all)
            #expect(try await stored(bytes("--payload-text", "-")) == [45])
            #expect(try await stored(bytes("--payload-base64", "/wA=")) == [255, 0])
            #expect(try await stored(bytes("--payload", "--help")) == Array("--help".utf8))
            for text in ["====", "AAB="] {
                let words = ["enqueue", "--type", "t", "--payload-base64", text]
                let refused = try await Tool.run(words, environment: environment)
                #expect(refused.code == 2 && refused.errors.contains("RFC 4648 section 4"), "\(text)")
            }
        }
    }

    @Test func `of a line is the value's own bytes [A8]`() async throws {
        try await withStores { scratch, environment in
            let payloads = [
                #"{"b":1.10,"a":-0}"#, #"{"a":1,"a":2}"#, "1e400", "12345678901234567890123", "null",
                #"["\u00e9" ]"#,
            ]
            let lines =
                payloads.map { #"{"type":"t", "payload" : \#($0) }"# } + [
                    #"{"type":"t","payload_text":"é\n"}"#, #"{"type":"t","payload_base64":"/w=="}"#,
                ]

            let outcome = try await Tool.run(
                ["enqueue", "--stdin"], environment: environment, input: lines.joined(separator: "\n"))

            #expect(outcome.code == 0, "\(outcome.errors)")
            let ids = outcome.lines.compactMap { JobID($0) }
            let jobs = try await scratch.ledger.jobs(ids)
            #expect(
                ids.map { jobs[$0]?.record.body } == payloads.map { Array($0.utf8) } + [
                    Array("é\n".utf8), [255],
                ])
        }
    }

    @Test func `is shown as its own bytes by inspect --json, whatever its numbers [H4]`() async throws {
        try await withStores { _, environment in
            let payload = #"{"n":12345678901234567890123,"x":1.10,"y":1e400}"#
            for (words, shown, encoding) in [
                (["--payload-json", payload], payload, "json"), (["--payload", "a\nb"], #""a\nb""#, "text"),
                (["--payload-base64", "/w=="], #""/w==""#, "base64"),
            ] {
                let made = try await Tool.run(["enqueue", "--type", "t"] + words, environment: environment)
                let json = try await Tool.run(
                    ["inspect", made.lines[0], "--json"], environment: environment)
                let text = try await Tool.run(["inspect", made.lines[0]], environment: environment)

                #expect(
                    json.output.contains(#""payload":\#(shown),"payload_encoding":"\#(encoding)""#),
                    "\(json.output)")
                if encoding == "json" { #expect(text.output.contains("payload  \(payload)\n")) }
            }
        }
    }

    @Test(arguments: [
        (String(repeating: "[", count: 100_000), "column 100001"), (#"["\u0000""#, "column 10"),
        ("{\n\"a\":}", "line 2, column 5"),
    ])
    func `that is no JSON is refused where JSON was promised, by line and column [A2]`(
        _ text: String, _ place: String
    ) async throws {
        let outcome = try await Tool.run(["enqueue", "--type", "t", "--payload-json", text])

        #expect(outcome.code == 2 && outcome.errors.contains(place), "\(outcome.errors)")
    }

    @Test func `comes with fields and flags of one table`() {
        #expect(EnqueueCommand.flags == Set(JobField.all.map { $0.flag }).union(["spread"]))
        for field in JobField.all where !field.name.hasPrefix("headers") && field.name != "tags" {
            #expect(field.flag == field.name.replacing("_", with: "-"))
        }
        for flag in EnqueueCommand.flags { #expect(EnqueueCommand.help.contains("--\(flag)"), "\(flag)") }
    }
}

@Suite(.timeLimit(.minutes(1))) struct `A line that names a file` {
    /// A pipe that nobody writes to would keep every line behind it waiting, and a file may be none of the sender's.
    @Test func `is refused without opening it, and keeps no other line out [A2, A8]`() async throws {
        try await withStores { scratch, environment in
            let pipe = NSTemporaryDirectory() + "/tally-pipe-\(UInt32.random(in: 0 ... .max))"
            #expect(mkfifo(pipe, 0o600) == 0)
            defer { unlink(pipe) }
            let lines = [
                #"{"type":"t","payload":1}"#, #"{"type":"t","payload_file":"\#(pipe)"}"#,
                #"{"type":"t","payload_file":"/etc/passwd"}"#, #"{"type":"t","payload":2}"#,
            ]

            let outcome = try await Tool.run(
                ["enqueue", "--stdin"], environment: environment, input: lines.joined(separator: "\n"))

            #expect(outcome.code == 1, "\(outcome.errors)")
            for line in [2, 3] { #expect(outcome.errors.contains("line \(line): column 28: payload_file: ")) }
            let ids = outcome.lines.compactMap { JobID($0) }
            let jobs = try await scratch.ledger.jobs(ids)
            #expect(ids.map { jobs[$0]?.record.body } == [[49], [50]])
        }
    }

    /// Whoever types it may name a pipe, such as the one that a shell makes for `<(…)`.
    @Test func `may be a flag, whose pipe nobody writes to, until a signal ends it`() async throws {
        let pipe = NSTemporaryDirectory() + "/tally-pipe-\(UInt32.random(in: 0 ... .max))"
        #expect(mkfifo(pipe, 0o600) == 0)
        defer { unlink(pipe) }
        let running = try Tool.Running(
            ["enqueue", "--type", "t", "--payload-file", pipe], environment: [:])
        // A writer can be there without waiting only once somebody reads.
        let writers = Journal<Int32>()
        try await eventually("it reads the pipe") {
            let writer = open(pipe, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
            if writer >= 0 { writers.append(writer) }
            return writer >= 0
        }
        defer { for writer in writers.all { close(writer) } }

        running.signal(SIGTERM)

        #expect(try await running.outcome().code == 128 + SIGTERM)
    }
}

@Suite struct `A line of jobs` {
    private func refusal(_ line: String) -> String? {
        do {
            _ = try JobLine.record(Array(line.utf8))
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test func `may say all that the flags say`() throws {
        let id = JobID()
        let line =
            #"{"type":"t","queue":"q","payload":1,"codec":"c","run_at":1925089445,"timeout":"1h30m","#
            + #""max_attempts":7,"max_crashes":2,"priority":"high","tags":["a","b"],"trace":"x","id":"\#(id)","#
            + #""key":"k","key_for":"7d","headers":{"h":"é","=":""},"headers_base64":{"b":"/w=="},"#
            + #""tenant":"acme","limit_key":"k7","not_after":1925089446}"#

        let record = try JobLine.record(Array(line.utf8))

        #expect(record.type == "t" && record.queue == "q" && record.body == [49] && record.codec == "c")
        #expect(record.runAt == Timestamp("1925089445") && record.timeout == .seconds(5400))
        #expect(record.maxAttempts == 7 && record.maxCrashes == 2 && record.priority == .high)
        #expect(record.tags == ["a", "b"] && record.trace == "x" && record.id == id)
        #expect(record.unique == UniqueKey("k", .lasting(.seconds(7 * 86_400))))
        #expect(record.headers == ["h": Array("é".utf8), "=": [], "b": [255]])
        #expect(record.tenant == "acme" && record.limitKey == "k7")
        #expect(record.notAfter == Timestamp("1925089446"))
    }

    @Test(arguments: [
        (#"{"type":"t","tags":"a"}"#, "tags"), (#"{"type":"t","tags":[1]}"#, "tags"),
        (#"{"type":5}"#, "type"),
        (#"{"type":"t","max_attempts":"3"}"#, "max_attempts"),
        (#"{"type":"t","max_attempts":3.5}"#, "max_attempts"),
        (#"{"type":"t","timeout":true}"#, "timeout"), (#"{"type":"t","key_for":"10m"}"#, "key_for"),
        (#"{"type":"t","key":" k"}"#, "key"), (#"{"type":"t","payload":1,"payload_text":"x"}"#, "not both"),
        (#"{"type":"t","type":"u"}"#, "twice"), (#"{"type":"t","colour":1}"#, "colour"),
        (#"{"type":"t","queue":"\ud800"}"#, "surrogate"),
        ("{\"type\":\"t\",\"queue\":\"\u{1}\"}", "column 22"),
        (#"{"type":"t","payload_base64":"?"}"#, "base64"), (#"{"queue":"q"}"#, "type is required"),
        (#"{"type":"t","headers":["a"]}"#, "headers"), (#"{"type":"t","headers":{"a":1}}"#, "headers.a"),
        (#"{"type":"t","headers":{"a":"1","a":"2"}}"#, "twice"),
        (#"{"type":"t","headers":{"a":"1"},"headers_base64":{"a":"/w=="}}"#, "given twice"),
        (#"{"type":"t","tenant":""}"#, "tenant"), (#"{"type":"t","not_after":5}"#, "not after"),
        (#"{"type":"t""#, "column 12"),
        // Padding alone, bits behind the last byte, white space, and the other alphabet.
        (#"{"type":"t","payload_base64":"===="}"#, "base64"),
        (#"{"type":"t","payload_base64":"AAB="}"#, "base64"),
        (#"{"type":"t","payload_base64":"/x=="}"#, "base64"),
        (#"{"type":"t","payload_base64":"/w==\n"}"#, "base64"),
        (#"{"type":"t","payload_base64":"_w=="}"#, "base64"),
        (#"{"type":"t","headers_base64":{"b":"AAB="}}"#, "base64"),
        (#"{"type":"t","payload_file":"/etc/hostname"}"#, "--payload-file"),
        (#"{"type":"t","payload_file":null}"#, "payload_base64"),
    ])
    func `is taken exactly or refused by name [A2, P15]`(_ line: String, _ word: String) throws {
        let why = try #require(refusal(line))

        #expect(why.contains(word), "\(why)")
    }

    @Test func `is cut out of the stream whole, long or short, with either line end`() {
        var cutter = LineCutter(bound: 4)
        var found: [LineCutter.Line] = []
        for part in ["a", "b\nc\r\n", "12345", "678\nd\n\n", "tail"] {
            cutter.add(Array(part.utf8))
            while let line = cutter.next() { found.append(line) }
        }
        if let rest = cutter.rest() { found.append(rest) }
        func whole(_ text: String) -> LineCutter.Line { .whole(Array(text.utf8)) }

        #expect(found == [whole("ab"), whole("c"), .tooLong, whole("d"), whole(""), whole("tail")])
    }
}
