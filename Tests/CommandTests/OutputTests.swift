import Foundation
import Glibc
import TallyCore
import TallyRedis
import TestSupport
import Tallystick
import Testing

@testable import TallyCommandLine

/// What the command reads and writes, and how it ends when it cannot.
@Suite(.serialized) struct `Input and output` {
    @Test(arguments: [
        ["--help"], ["list"], ["list", "--json"], ["stats"], ["workers"], ["enqueue", "--type", "t"],
        ["migrate", "--status"], ["migrate"], ["dlq", "list"],
    ])
    func `that cannot be written is exit 1, and said, in every command [H4]`(_ words: [String]) async throws {
        try await withOwnStores { _, environment in
            let outcome = try await Tool.run(
                bytes: words.map { Array($0.utf8) }, environment: environment, outputPath: "/dev/full")

            #expect(outcome.code == 1 && outcome.errors.contains("No space left"), "\(outcome.errors)")
        }
    }

    @Test func `of reconcile that cannot be written is exit 8: it means not mended [P3]`() async throws {
        try await withStores { _, environment in
            let outcome = try await Tool.run(
                bytes: [Array("reconcile".utf8)], environment: environment, outputPath: "/dev/full")

            #expect(outcome.code == 8 && outcome.errors.contains("No space left"), "\(outcome.errors)")
        }
    }

    @Test(arguments: [nil, "/dev/full"])
    func `of a repair that cannot be written is exit 8, not that of a repair that was shown [P3]`(
        _ path: String?
    ) async throws {
        try await withStores { scratch, environment in
            let enqueued = try await Tool.run(["enqueue", "--type", "t"], environment: environment)
            #expect(enqueued.code == 0, "\(enqueued.errors)")
            try await scratch.queue.flush()

            let outcome = try await Tool.run(
                bytes: ["reconcile", "--repair"].map { Array($0.utf8) }, environment: environment,
                outputPath: path)

            #expect(outcome.code == (path == nil ? 1 : 8), "\(outcome.errors)")
        }
    }

    @Test func `that cannot be read is exit 1, and said with what went in [A8]`() async throws {
        try await withStores { _, environment in
            let outcome = try await Tool.run(
                bytes: [Array("enqueue".utf8), Array("--stdin".utf8)], environment: environment,
                inputPath: "/tmp")

            #expect(outcome.code == 1 && outcome.errors.contains("Is a directory"), "\(outcome.errors)")
            #expect(outcome.errors.contains("0 of 0 lines went in"))
        }
    }

    @Test func `of a slow producer goes in while it is silent, and SIGTERM says what went in [A8]`()
        async throws
    {
        try await withStores { scratch, environment in
            let path = NSTemporaryDirectory() + "/tally-fifo-\(UInt32.random(in: 0 ... .max))"
            try #require(mkfifo(path, 0o600) == 0)
            defer { unlink(path) }
            // Both ends: neither this open nor the command's waits for the other.
            let writer = open(path, O_RDWR | O_CLOEXEC)
            defer { close(writer) }
            func send(_ text: String) { _ = text.withCString { write(writer, $0, strlen($0)) } }
            let command = try Tool.Running(
                bytes: [Array("enqueue".utf8), Array("--stdin".utf8)], environment: environment,
                inputPath: path)

            send("{\"type\":\"t\"}\n{\"type\":\"t\"}\n")
            try await eventually("both are in") { command.output.split(separator: "\n").count == 2 }
            send("{\"type\":\"t\"}\n{\"type\":")
            try await eventually("the third is in") { command.output.split(separator: "\n").count == 3 }
            command.signal(SIGTERM)
            let outcome = try await command.outcome()

            #expect(outcome.code == 130)
            #expect(outcome.errors.contains("3 of 3 lines went in; line 4 was cut off"), "\(outcome.errors)")
            #expect(try await scratch.ledger.balances().accepted == 3)
        }
    }

    @Test(arguments: [Durability.recorded, .queued])
    func `of one bad job keeps nobody else out, and says of nobody new that it existed [A8]`(
        _ mode: Durability
    )
        async throws
    {
        try await withStores { _, environment in
            let environment = environment.merging(["TALLY_MODE": mode.rawValue]) { $1 }
            let id = JobID()
            _ = try await Tool.run(["enqueue", "--type", "other", "--id", "\(id)"], environment: environment)
            let lines = [#"{"type":"a"}"#, #"{"type":"t","id":"\#(id)"}"#, #"{"type":"b"}"#]

            let outcome = try await Tool.run(
                ["enqueue", "--stdin", "--json"], environment: environment,
                input: lines.joined(separator: "\n"))

            #expect(outcome.code == 1 && outcome.errors.contains("line 2: id \(id)"), "\(outcome.errors)")
            #expect(outcome.lines.count == 2 && outcome.lines.allSatisfy { $0.contains(#""existed":false"#) })
        }
    }

    @Test(arguments: [Durability.recorded, .queued])
    func
        `says of the first of two lines that are one job that it is new, and of the second that it existed [A7]`(
            _ mode: Durability
        ) async throws
    {
        try await withStores { _, environment in
            let environment = environment.merging(["TALLY_MODE": mode.rawValue]) { $1 }
            let (id, key) = (#""id":"\#(JobID())""#, #""key":"k","queue":"keys""#)
            let lines = [id, id, key, key].map { #"{"type":"t",\#($0)}"# }

            let outcome = try await Tool.run(
                ["enqueue", "--stdin", "--json"], environment: environment,
                input: lines.joined(separator: "\n"))

            #expect(outcome.code == 0 && outcome.lines.count == 4, "\(outcome.errors)")
            #expect(outcome.lines.map { $0.contains(#""existed":true"#) } == [false, true, false, true])
            let ids = outcome.lines.map { String($0.suffix(39)) }
            #expect(ids[0] == ids[1] && ids[2] == ids[3] && ids[0] != ids[2])
        }
    }

    @Test(arguments: [Durability.recorded, .queued])
    func `of a repeat whose job has ended say that it existed, exit 0 [A7]`(_ mode: Durability) async throws {
        try await withStores { scratch, environment in
            let environment = environment.merging(["TALLY_MODE": mode.rawValue]) { $1 }
            let id = "\(JobID())"
            let words = ["enqueue", "--type", "t", "--id", id, "--json"]
            let line = #"{"type":"t","id":"\#(id)"}"#

            let first = try await Tool.run(words, environment: environment)
            let wish = ReserveWish([.default], limit: 1, worker: WorkerID("w"))
            let lease = try #require(try await scratch.queue.reserve(wish).jobs.first).lease
            _ = try await scratch.queue.settle([.ack(lease)])
            let again = try await Tool.run(words, environment: environment)
            let asLine = try await Tool.run(
                ["enqueue", "--stdin", "--json"], environment: environment, input: line)

            #expect(first.code == 0 && first.output.contains(#""existed":false"#))
            for outcome in [again, asLine] {
                #expect(outcome.code == 0 && outcome.output.contains(#""existed":true"#), "\(outcome.errors)")
                #expect(outcome.output.contains(id))
            }
        }
    }

    @Test func `may begin with a byte order mark, and is refused by name where another stands`() async throws
    {
        try await withStores { _, environment in
            let line = #"{"type":"t"}"#
            let lines = ["\u{FEFF}" + line, line, "\u{FEFF}" + line]

            let outcome = try await Tool.run(
                ["enqueue", "--stdin"], environment: environment, input: lines.joined(separator: "\r\n"))

            #expect(outcome.code == 1 && outcome.lines.count == 2)
            #expect(outcome.errors.hasPrefix("tally enqueue: line 3: column 1: a byte order mark"))
        }
    }

    @Test(arguments: [
        ["--status"], ["--verify"], ["--dry-run"], [],
    ])
    func `of migrate is JSON where JSON was asked for [H8]`(_ words: [String]) async throws {
        try await withOwnStores { _, environment in
            let outcome = try await Tool.run(["migrate", "--json"] + words, environment: environment)

            #expect(outcome.code == 0)
            _ = try outcome.json(Any.self)
        }
    }

    @Test func `of stats says that a fresh epoch is held, and for how long [H9]`() async throws {
        try await withStores { scratch, environment in
            let raw = try RawRedis(url: scratch.settings.redisURL)
            // Another server: the next call begins an epoch, which nobody opens.
            try raw("HSET", RedisKey.meta.of(scratch.settings.namespace), "run_id", "another")

            let text = try await Tool.run(["stats"], environment: environment)
            let json = try await Tool.run(["stats", "--json"], environment: environment).json()

            #expect(text.output.hasPrefix("held, opens in "), "\(text.output) \(text.errors)")
            #expect(
                json["held"] as? Bool == true && (json["opens_in_s"] as? Int).map { 1...30 ~= $0 } == true)
        }
    }

    @Test func `of stats has the ledger's half where the only Redis cannot answer, and why, exit 1 [D39]`()
        async throws
    {
        try await withStores { scratch, environment in
            _ = try await scratch.ledger.record([JobRecord(type: "t")])
            let raw = try RawRedis(url: scratch.settings.redisURL)
            let name = RedisKey.paused.of(scratch.settings.namespace)
            try raw("SET", name, "foreign")

            let text = try await Tool.run(["stats"], environment: environment)
            let told = try await Tool.run(["stats", "--json"], environment: environment)
            let report = try await Tool.run(["reconcile", "--json"], environment: environment)

            #expect(text.code == 1 && told.code == 1 && report.code == 4, "\(report.errors)")
            #expect(text.output.contains("Redis: has damaged keys, its queues are missing here"))
            #expect(text.output.contains("ledger accepted  1"), "\(text.output)")
            #expect(text.errors.contains("Redis cannot be read") && text.errors.contains(name))
            let json = try told.json()
            #expect((json["ledger"] as? [String: Any])?["accepted"] as? Int == 1)
            #expect((json["error"] as? String)?.contains(name) == true)
            let findings = try #require(try report.json()["findings"] as? [[String: Any]])
            #expect(findings.map { $0["code"] as? String } == ["D39"], "\(findings)")
        }
    }

    @Test func `of stats has Redis' half and the duties while somebody holds the table of jobs, exit 1`()
        async throws
    {
        try await withStores { scratch, environment in
            _ = try await scratch.queue.push([Push(JobRecord(type: "t", queue: "q"))], issued: nil)
            try await scratch.ledger.report(
                [DutyReport(name: "relay", silence: .seconds(60), succeeded: .zero)], holder: "test")
            let session = try await PostgresSession.open(scratch.ledger.configuration)
            try await session.begin()
            _ = try await session.query("LOCK TABLE \"\(scratch.settings.namespace)\".jobs")
            // What else ends the wait is half a minute.
            let url = environment["TALLY_POSTGRES_URL"] ?? ""
            let option = (url.contains("?") ? "&" : "?") + "options=-c%20lock_timeout%3D200ms"
            let hasty = environment.merging(["TALLY_POSTGRES_URL": url + option]) { $1 }

            let text = try await Tool.run(["stats"], environment: hasty)
            let told = try await Tool.run(["stats", "--json"], environment: hasty)
            try await session.rollback()
            await session.close()

            #expect(text.code == 1 && told.code == 1, "\(text.errors)")
            #expect(text.output.contains("Postgres: cannot be read") && text.output.contains("duty relay"))
            #expect(text.lines.contains { $0.hasPrefix("q ") } && !text.output.contains("ledger accepted"))
            #expect(text.errors.contains("Postgres cannot be read"), "\(text.errors)")
            let json = try told.json()
            #expect((json["queues"] as? [[String: Any]])?.first?["pending"] as? Int == 1)
            #expect(json["ledger"] == nil && json["ledger_error"] != nil, "\(json)")
        }
    }

    @Test func `of stats does not call a Redis away that lets nobody in, exit 1`() async throws {
        try await withStores { scratch, environment in
            _ = try await scratch.ledger.record([JobRecord(type: "t")])
            let parts = scratch.settings.redisURL.split(separator: "@")
            let address = parts.last?.replacing("redis://", with: "") ?? ""
            let strange = environment.merging(["TALLY_REDIS_URL": "redis://nobody:wrong@\(address)"]) { $1 }

            let text = try await Tool.run(["stats"], environment: strange)

            #expect(text.code == 1 && text.output.contains("Redis: cannot be used"), "\(text.output)")
            #expect(!text.output.contains("away") && text.output.contains("ledger accepted  1"))
            #expect(text.errors.contains("check user and password"), "\(text.errors)")
        }
    }

    @Test func `of stats has the ledger's half while the only Redis is away, exit 1`() async throws {
        try await withStores { scratch, environment in
            _ = try await scratch.ledger.record([JobRecord(type: "t")])
            let away = environment.merging(["TALLY_REDIS_URL": "redis://127.0.0.1:1"]) { $1 }

            let text = try await Tool.run(["stats"], environment: away)

            #expect(text.code == 1 && text.output.contains("Redis: away, its queues are missing here"))
            #expect(text.output.contains("ledger accepted  1"), "\(text.output)")
            #expect(text.errors.contains("Redis cannot be read"), "\(text.errors)")
        }
    }
}

@Suite struct `A time in words` {
    @Test(arguments: [
        ("250ms", 250_000), ("1.5s", 1_500_000), ("2m", 120_000_000), ("1h30m", 5_400_000_000),
        ("7d", 604_800_000_000),
        ("30", 30_000_000), ("0.25", 250_000), ("1m30.5s", 90_500_000), ("7us", 7), ("1d1us", 86_400_000_001),
        ("0.1s", 100_000), ("0", 0),
    ])
    func `is exact to the microsecond`(_ text: String, _ microseconds: Int64) {
        #expect(Duration(human: text) == .microseconds(microseconds))
    }

    @Test(arguments: [
        "", "s", "1.", ".5s", "1.5h30m", "30m1h", "1h1h", "1x", "1 h", "-1s", "0.1us", "1e3s", "1h30",
        "99999999d", "१s",
        "1.5.5s", "9223372036854775807h",
    ])
    func `is refused otherwise, and the refusal names the units`(_ text: String) {
        #expect(Duration(human: text) == nil)
        #expect(Usage.noDuration("--timeout", text).description.contains("d, h, m, s, ms and us"))
    }
}

@Suite struct `The words of a command line` {
    private func refusal(_ words: [String]) throws -> String {
        let grammar = Grammar(flags: ["a", "b"], switches: ["c"], repeatable: ["b"], raw: ["b"])
        return try #require(throws: Usage.self) { try Arguments(words.map { Array($0.utf8) }, grammar) }
            .description
    }

    @Test(arguments: [["--a", "1", "--a", "1"], ["--a=1", "--a=2"], ["--c", "--c"]])
    func `are refused when a flag stands twice`(_ words: [String]) throws {
        #expect(try refusal(words).contains("twice"))
    }

    @Test func `are taken as bytes or refused by name`() throws {
        let grammar = Grammar(flags: ["a", "b"], switches: [], repeatable: ["b"], raw: ["b"])
        let bad: [UInt8] = [0xFF]
        let arguments = try Arguments([Array("--b".utf8), bad, Array("--b=".utf8) + bad], grammar)
        #expect(arguments.bytes("b") == [bad, bad])
        let error = #expect(throws: Usage.self) { try Arguments([Array("--a".utf8), bad], grammar) }
        #expect(error?.description.contains("--a is not UTF-8") == true)
    }

    @Test(arguments: [
        ["list", "more"], ["stats", "more"], ["workers", "x"], ["migrate", "x"], ["serve", "x"],
        ["demo", "--json"],
        ["dlq", "list", "--force"], ["dlq", "requeue", "x", "--limit", "3"],
        ["migrate", "--status", "--verify"],
        ["enqueue", "--stdin", "--type", "t"], ["enqueue", "--type", "t", "--key-for", "10m"],
        ["enqueue", "--type", "t", "--type", "t"], ["list", "--json", "--json"], ["list", "--redis="],
        ["drill", "--jobs", "5000"], ["conformance", "--seed", "1"],
        ["worker", "run", "--register", "=echo"],
        ["worker", "run", "--register", "a=echo", "--register", "a=fail"], ["list", "--json=yes"],
        ["enqueue", "--type", "t", "--id", "f47ac10b-58cc-4372-a567-0e02b2c3d479"],
        ["enqueue", "--type", "t", "--timeout", "5 minutes"],
    ])
    func `mean something or are refused, exit 2 [H4]`(_ words: [String]) async throws {
        let outcome = try await Tool.run(
            words,
            environment: [
                "TALLY_REDIS_URL": Servers.redisURL, "TALLY_POSTGRES_URL": Servers.postgresURL,
                "TALLY_NAMESPACE": "tally",
            ])

        #expect(outcome.code == 2 && outcome.output.isEmpty, "\(outcome.code) \(outcome.errors)")
    }

    @Test func `of reconcile that mean nothing end in 16`() async throws {
        let outcome = try await Tool.run(["reconcile", "--max-repairs", "3"])

        #expect(outcome.code == 16 && outcome.errors.contains("--repair"))
    }
}
