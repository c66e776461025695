import Foundation
import TallyCore
import TestSupport
import Tallystick
import Testing

private let commands = [
    "dev", "migrate", "enqueue", "worker", "serve", "inspect", "list", "stats", "dlq", "cancel", "workers",
    "reconcile", "partitions", "pause", "resume", "explain", "doctor", "queue",
    "completion", "manual", "watch", "change", "replay", "dash", "settings",
]
private let labCommands = ["demo", "drill", "bench", "simulate", "conformance"]
private let nowhere = [
    "TALLY_REDIS_URL": "redis://:s3cret@127.0.0.1:1",
    "TALLY_POSTGRES_URL": "postgres://u:s3cret@127.0.0.1:1/db",
]

@Suite struct `The command` {
    @Test(arguments: commands) func `explains each of its words, exit 0 [H4]`(_ name: String) async throws {
        let outcome = try await Tool.run([name, "--help"])

        #expect(outcome.code == 0 && outcome.errors.isEmpty)
        #expect(outcome.output.hasPrefix("tally \(name): "))
    }

    @Test(arguments: labCommands)
    func `of the lab explains each of its words, exit 0 [H4]`(_ name: String) async throws {
        let outcome = try await Tool.run([name, "--help"], of: "tally-lab")

        #expect(outcome.code == 0 && outcome.errors.isEmpty)
        #expect(outcome.output.hasPrefix("tally-lab \(name): "))
    }

    @Test(arguments: [("tally", commands), ("tally-lab", labCommands)])
    func `lists its words [H4]`(_ program: String, _ names: [String]) async throws {
        let help = try await Tool.run(["--help"], of: program)
        let bare = try await Tool.run([], of: program)

        #expect(help.code == 0 && bare.code == 2)
        let listed = help.lines.filter { $0.hasPrefix("  ") }.map { $0.split(separator: " ")[0] }
        #expect(listed.map(String.init).sorted() == names.sorted())
    }

    @Test(arguments: [("tally", "tally-lab", labCommands), ("tally-lab", "tally", commands)])
    func `says where a word of the other program belongs, exit 2`(
        _ program: String, _ other: String, _ names: [String]
    ) async throws {
        for name in names {
            let outcome = try await Tool.run([name], of: program)

            #expect(outcome.code == 2 && outcome.output.isEmpty)
            #expect(outcome.errors.contains("run `\(other) \(name)`"), "\(outcome.errors)")
        }
    }

    @Test func `cancel says which ends of a job are which exit code`() async throws {
        let help = try await Tool.run(["cancel", "--help"]).output

        #expect(help.contains("0   cancelled, now or before"), "\(help)")
        #expect(help.contains("1   failed, it has ended otherwise"), "\(help)")
    }

    @Test func `of the lab says where the simulation went, exit 2`() async throws {
        let outcome = try await Tool.run(["drill", "simulate"], of: "tally-lab")

        #expect(outcome.code == 2 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("run `tally-lab simulate`"), "\(outcome.errors)")
    }

    @Test(arguments: ["tally", "tally-lab"]) func `says which version it is of`(_ program: String)
        async throws
    {
        for words in [["--version"], ["version"]] {
            let outcome = try await Tool.run(words, of: program)

            #expect(outcome.code == 0 && outcome.output == "\(program) \(tallyVersion)\n")
        }
    }

    @Test func `of the operator loads no library of the lab`() throws {
        // A library that a program is linked with stands in it by its file's name.
        func holds(_ program: String, _ library: String) throws -> Bool {
            let file = try Data(contentsOf: URL(fileURLWithPath: Tool.path(program)), options: .alwaysMapped)
            return file.range(of: Data(library.utf8)) != nil
        }

        #expect(try holds("tally", "libpq.so") && !holds("tally", "libmagic.so"))
        #expect(try holds("tally-lab", "libmagic.so"))
    }

    @Test(arguments: [
        ("stats", [0, 1, 2]), ("reconcile", [0, 1, 4, 8, 16]), ("enqueue", [0, 1, 2, 130]),
        ("dlq", [0, 1, 2, 130]), ("queue", [0, 1, 2, 130]), ("replay", [0, 1, 2, 130]),
    ])
    func `names the exit codes of each command`(_ name: String, _ codes: [Int]) async throws {
        let help = try await Tool.run([name, "--help"])
        let listed = try #require(help.output.components(separatedBy: "Exit codes:\n").last)
            .split(separator: "\n").prefix { $0.hasPrefix("  ") }

        #expect(listed.map { $0.split(separator: " ").first.flatMap { Int($0) } } == codes)
    }

    @Test(arguments: [
        ["enqeue"], ["enqueue", "--typ", "t"], ["enqueue", "--type"], ["enqueue"],
        ["enqueue", "--type", "t", "more"],
        ["enqueue", "--type", "t", "-x"], ["list", "--limit", "0"], ["list", "--limit", "x"],
        ["list", "--status", "lost"],
        ["inspect"], ["inspect", "x"], ["inspect", "x", "y"], ["cancel"], ["cancel", "123"], ["dlq"],
        ["dlq", "requeue"], ["dlq", "requeue", "--go"], ["dlq", "requeue", "--all", "--type", "t"],
        ["dlq", "requeue", "--all", "--rate", "0"], ["dlq", "list", "--go"],
        ["dlq", "list", "--older-than", "x"],
        ["watch"], ["watch", "x"], ["stats", "--every", "2s"], ["stats", "--watch", "--every", "1ms"],
        ["workers", "--every", "2s"], ["watch", "019f0000-0000-7000-8000-000000000000", "--every", "0"],
        ["queue"], ["queue", "list", "q"], ["queue", "purge"], ["queue", "purge", ""],
        ["queue", "burn", "q"], ["change"], ["change", "x", "--priority", "low"],
        ["change", "019f0000-0000-7000-8000-000000000000"],
        ["change", "019f0000-0000-7000-8000-000000000000", "--priority", "urgent"],
        ["change", "019f0000-0000-7000-8000-000000000000", "--run-at", "9999999999999"],
        ["queue", "pause"], ["queue", "pause", "q", "--go"],
        ["dash"], ["dash", "--every", "1ms"], ["dash", "--json"], ["dash", "more"],
        ["replay"], ["replay", "--where", " "], ["replay", "--where", "true", "--limit", "0"],
        ["replay", "--where", "true", "--where", "false"], ["replay", "status = 'failed'"],
        ["dlq", "requeue", "x"], ["dlq", "purge"], ["dlq", "purge", "x"],
        ["dlq", "purge", "--all", "--run-at", "1"], ["worker"], ["worker", "walk"],
        ["worker", "run", "--concurrency", "0"],
        ["worker", "run", "--lease", "soon"], ["worker", "run", "--unknown", "eat"],
        ["worker", "run", "--register", "t=dance"], ["dev", "servers"], ["dev", "servers", "burn"],
        ["worker", "run", "--lease", "999ms"], ["worker", "run", "--lease", "1d1s"],
        ["worker", "run", "--heartbeat", "99ms"], ["worker", "run", "--lease", "1s", "--heartbeat", "501ms"],
        ["worker", "run", "--heartbeat", "16s"], ["version", "more"],
        ["worker", "run", "--queue", "mail="], ["worker", "run", "--queue", "mail=0"],
        ["worker", "run", "--queue", "mail=1001"], ["worker", "run", "--queue", "mail=x"],
        ["worker", "run", "--queue", "=3"], ["worker", "run", "--queue", "mail", "--queue", "mail=2"],
        ["worker", "run", "--queue", "mail=2", "--strict"], ["worker", "run", "--strict=yes"],
        ["worker", "run", "--handler", "t"], ["worker", "run", "--handler", "t=cat"],
        ["worker", "run", "--handler", "=exec:cat"], ["worker", "run", "--handler", "t=exec:"],
        ["worker", "run", "--handler", "t=exec:/no/such/program"],
        ["worker", "run", "--handler", "t=exec:sh -c 'exit 0'"],
        ["worker", "run", "--handler", "t=exec:[1]"],
        ["worker", "run", "--handler", "t=exec:cat", "--handler", "t=exec:cat"],
        ["worker", "run", "--handler", "t=exec:cat", "--register", "t=echo"],
        ["worker", "run", "--handler", "t=exec:cat", "--pass-env", "NOT_SET_ANYWHERE"],
        ["worker", "run", "--pass-env", "PATH"], ["worker", "run", "--allow-private"],
        ["worker", "run", "--handler", "t=ftp://example.com/"], ["worker", "run", "--handler", "t=http:"],
        ["worker", "run", "--handler", "t=http://"],
        ["worker", "run", "--handler", "t=exec:cat", "--allow-private"],
        ["worker", "run", "--handler", "t=https://example.com/", "--pass-env", "PATH"],
        ["dlq", "requeue", "019f0000-0000-7000-8000-000000000000", "--run-at", "2099-01-01T00:00:00Z"],
        ["dlq", "requeue", "019f0000-0000-7000-8000-000000000000", "--run-at", "1969-12-31T23:59:59Z"],
        ["pause", ""], ["resume", ""], ["worker", "run", "--queue", ""],
        ["enqueue", "--type", "t", "--queue", ""],
        ["list", "--queue", ""], ["list", "--type", ""], ["dlq", "list", "--queue", ""],
        ["dlq", "requeue", "019f0000-0000-7000-8000-000000000000", "--queue", ""],
    ])
    func `refuses what it does not understand, exit 2 [H4]`(_ words: [String]) async throws {
        let outcome = try await Tool.run(words, environment: nowhere)

        #expect(outcome.code == 2, "\(outcome.errors)")
        #expect(outcome.output.isEmpty && !outcome.errors.isEmpty)
    }

    @Test(arguments: [
        ("t=HTTPSX://bob:topsecret@h/x?token=abc", "t=HTTPSX://…"),
        ("t=bob:topsecret@h/x?token=abc", "t=…"),
        ("https://bob:topsecret@h/x?token=abc", "https://…"), ("t=topsecret@h?token=abc", "t=…"),
        ("=https://bob:topsecret@h/x?token=abc", "=https://…"),
        ("t=HTTPS://bob:topsecret@:443/?token=abc", "t:"),
    ])
    func `shows of a handler that it refuses neither credentials nor the query`(
        _ handler: String, _ shown: String
    ) async throws {
        let outcome = try await Tool.run(["worker", "run", "--handler", handler], environment: nowhere)

        #expect(outcome.code == 2 && outcome.errors.contains("--handler \(shown)"), "\(outcome.errors)")
        for word in ["topsecret", "token", "abc"] { #expect(!outcome.errors.contains(word), "\(word)") }
    }

    /// Typed into the wrong place, as by somebody who forgot the flag before it.
    @Test(arguments: [[], ["stats"], ["cancel"], ["queue"], ["settings", "--mode"], ["stats", "--older"]])
    func `shows of an address in the wrong place neither credentials nor the query [I5]`(
        _ words: [String]
    ) async throws {
        for flag in ["", "-x=", "--mode="] {
            let address = "\(flag)https://bob:topsecret@h/x?token=abc"

            let outcome = try await Tool.run(words + [address], environment: nowhere)

            #expect(outcome.code == 2, "\(outcome.errors)")
            for word in ["topsecret", "token", "abc"] { #expect(!outcome.errors.contains(word), "\(word)") }
        }
    }

    @Test func `takes the address of a handler with its scheme in capitals`() async throws {
        let words = ["worker", "run", "--handler", "t=HTTPS://example.com/", "--pass-env", "PATH"]

        let outcome = try await Tool.run(words, environment: nowhere)

        // What is refused is the variable, since the handler was taken for a server.
        #expect(outcome.errors.contains("--pass-env PATH: means nothing without a program"))
    }

    @Test(arguments: [
        ["--max-attempts", "-1"], ["--max-attempts", "x"], ["--max-crashes", "0"], ["--priority", "urgent"],
        ["--run-at", "tomorrow"], ["--timeout", "-1s"], ["--timeout", "soon"], ["--id", "x"],
        ["--queue", " "],
        ["--payload-json", "{"], ["--payload-json", "{}", "--payload", "x"], ["--tag", ""], ["--codec", ""],
        ["--key", "k", "--key-for", "x"], ["--queue", "a\nb"],
    ])
    func `refuses a bad job before it looks for a server, exit 2 [A2, P15]`(_ words: [String]) async throws {
        let outcome = try await Tool.run(["enqueue", "--type", "t"] + words, environment: nowhere)

        #expect(outcome.code == 2, "\(outcome.errors)")
    }

    @Test func `says which server cannot be reached, exit 1, without its password [I5]`() async throws {
        let redis = try await Tool.run(["stats"], environment: nowhere)
        let postgres = try await Tool.run(
            ["stats"],
            environment: nowhere.merging([
                "TALLY_REDIS_URL": Servers.redisURL, "TALLY_NAMESPACE": "scratch_none",
            ]) { $1 })

        #expect(redis.code == 1 && redis.errors.contains("127.0.0.1:1"))
        #expect(postgres.code == 1, "\(postgres.errors)")
        #expect(!(redis.errors + postgres.errors).contains("s3cret"))
    }

    @Test func `of reconcile has exit codes of its own`() async throws {
        let usage = try await Tool.run(["reconcile", "--fix"], environment: nowhere)
        let number = try await Tool.run(["reconcile", "--max-repairs", "-1"], environment: nowhere)
        let away = try await Tool.run(["reconcile"], environment: nowhere)
        let code = try await Tool.run(["reconcile", "--repair=D01,D99"], environment: nowhere)
        let time = try await Tool.run(["reconcile", "--since", "yesterday"], environment: nowhere)
        let future = try await Tool.run(
            ["reconcile", "--since", "2099-01-01T00:00:00Z"], environment: nowhere)
        let unasked = try await Tool.run(["reconcile", "--requeue-unknown"], environment: nowhere)

        #expect(usage.code == 16 && number.code == 16 && away.code == 8)
        #expect(future.code == 16 && future.errors.contains("lies in the future"), "\(future.errors)")
        #expect(code.code == 16 && code.errors.contains("D99") && time.code == 16 && unasked.code == 16)
    }
}

@Suite(.serialized) struct `A word behind --` {
    /// A queue may be called so, and what looks like a flag must not be taken for one.
    @Test func `is no flag, so that every queue can be named`() async throws {
        try await withStores { _, environment in
            let made = try await Tool.run(
                ["enqueue", "--type", "t", "--queue", "--go"], environment: environment)
            let bare = try await Tool.run(["queue", "pause", "--go"], environment: environment)
            let paused = try await Tool.run(
                ["queue", "pause", "--json", "--", "--go"], environment: environment)
            let resumed = try await Tool.run(
                ["resume", "--json", "--", "--go"], environment: environment)

            #expect(made.code == 0 && bare.code == 2, "\(made.errors)\(bare.output)")
            #expect(paused.code == 0 && resumed.code == 0, "\(paused.errors)\(resumed.errors)")
            for outcome in [paused, resumed] { #expect(try outcome.json()["queue"] as? String == "--go") }
        }
    }

    @Test func `is judged as any other that is too many, by its name`() async throws {
        let outcome = try await Tool.run(["stats", "--", "--json"], environment: nowhere)

        #expect(outcome.code == 2 && outcome.errors.contains("unexpected --json"), "\(outcome.errors)")
    }
}

@Suite struct `A time in a refusal` {
    @Test(arguments: [
        (
            ["--not-after", "2020-01-01T00:00:00Z"],
            "not after: 2020-01-01T00:00:00.000000Z is not after the creation"
        ),
        (
            ["--run-at", "2030-01-02T00:00:00Z", "--not-after", "2030-01-01T00:00:00Z"],
            "not after: 2030-01-01T00:00:00.000000Z is not after the run at 2030-01-02T00:00:00.000000Z"
        ),
        (
            ["--not-after", "2300-01-01T00:00:00Z"],
            "not after: 2300-01-01T00:00:00.000000Z is not before 2191-"
        ),
        (["--run-at", "1969-12-31T23:59:59Z"], "run at: 1969-12-31T23:59:59.000000Z is before 1970"),
        (
            ["--run-at", "2300-01-01T00:00:00Z"],
            "run at: 2300-01-01T00:00:00.000000Z is more than ten years after 2"
        ),
        (["--run-at", "5m"], "it is a length of time, and no point in time"),
    ])
    func `is written as a time`(_ words: [String], _ text: String) async throws {
        let outcome = try await Tool.run(["enqueue", "--type", "t"] + words, environment: nowhere)

        #expect(outcome.code == 2 && outcome.errors.contains(text), "\(outcome.errors)")
        #expect(!outcome.errors.contains("µs"), "\(outcome.errors)")
    }

    @Test func `is written so for a job that is there as well`() async throws {
        let id = "019f0000-0000-7000-8000-000000000000"
        for command in [["change", id], ["dlq", "requeue", id]] {
            let outcome = try await Tool.run(
                command + ["--run-at", "2300-01-01T00:00:00Z"], environment: nowhere)

            #expect(
                outcome.code == 2 && outcome.errors.contains("--run-at: 2300-01-01T00:00:00.000000Z is more"))
        }
    }

    @Test(arguments: ["enqueue", "change", "dlq", "reconcile"])
    func `is explained where a command takes one`(_ command: String) async throws {
        let help = try await Tool.run([command, "--help"]).output

        #expect(
            help.contains(
                "A TIME is RFC 3339 such as 2030-01-02T03:04:05Z, unix seconds or unix milliseconds"))
    }
}
