import Foundation
import Glibc
import TallyCore
import TestSupport
import Tallystick
import Testing

private let nowhere = [
    "TALLY_REDIS_URL": "redis://:s3cret@127.0.0.1:1",
    "TALLY_POSTGRES_URL": "postgres://u:s3cret@127.0.0.1:1/db",
]

// Where a command has its settings from.
extension `The command` {
    @Test(arguments: [
        ("TALLY_REDIS_URL", "ftp://h"), ("TALLY_REDIS_URL", "redis://:s3cret@h:x"),
        ("TALLY_REDIS_URL", "rediss://h"),
        ("TALLY_POSTGRES_URL", "mysql://:s3cret@h"), ("TALLY_POSTGRES_URL", "postgres://u:s3cret@h:port/db"),
        ("TALLY_NAMESPACE", "a b"), ("TALLY_NAMESPACE", "1st"), ("TALLY_NAMESPACE", "public"),
        ("TALLY_MODE", "fast"),
    ])
    func `names a bad setting in one message, exit 2 [P15, I5]`(_ name: String, _ value: String) async throws
    {
        let outcome = try await Tool.run(["stats"], environment: nowhere.merging([name: value]) { $1 })

        #expect(outcome.code == 2)
        #expect(
            outcome.errors.split(separator: "\n").count == 1 && outcome.errors.contains(name),
            "\(outcome.errors)")
        #expect(!outcome.errors.contains("s3cret"))
    }

    @Test func `names a setting that is missing, exit 2 [P15, I5]`() async throws {
        let redis = try await Tool.run(["stats"])
        let postgres = try await Tool.run(["stats"], environment: ["TALLY_REDIS_URL": "redis://h"])

        #expect(redis.code == 2 && redis.errors.contains("TALLY_REDIS_URL"))
        #expect(postgres.code == 2 && postgres.errors.contains("TALLY_POSTGRES_URL"))
    }

    @Test func `reads settings from the environment, then .env, and flags win [H7]`() async throws {
        try await withStores { scratch, environment in
            let folder = NSTemporaryDirectory() + "/tally-env-\(UInt32.random(in: 0 ... .max))"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }  // best effort: a temporary folder
            func id(_ outcome: Tool.Outcome) throws -> JobID {
                try #require(JobID(outcome.lines.first ?? ""), "\(outcome.errors)")
            }
            let words = ["enqueue", "--type", "t"]

            let fromEnvironment = try id(await Tool.run(words, environment: environment))
            let lines = environment.map { "export \($0)=\"\($1)\"" } + ["# a comment", "", "OTHER=1"]
            try lines.joined(separator: "\n").write(
                toFile: folder + "/.env", atomically: true, encoding: .utf8)
            let fromFile = try id(await Tool.run(words, folder: folder))
            let fromNamed = try id(await Tool.run(words + ["--env-file", folder + "/.env"]))
            let overFile = try await Tool.run(words, environment: ["TALLY_MODE": "fast"], folder: folder)
            let overAll = try id(
                await Tool.run(
                    words + ["--mode", "queued"], environment: ["TALLY_MODE": "fast"], folder: folder))
            try "junk".write(toFile: folder + "/.env", atomically: true, encoding: .utf8)
            let junk = try await Tool.run(words, folder: folder)
            let absent = try await Tool.run(words + ["--env-file", folder + "/no"])

            let ids = [fromEnvironment, fromFile, fromNamed, overAll]
            #expect(try await scratch.queue.inspect(ids).held.count == 4)
            #expect(overFile.code == 2 && overFile.errors.contains("TALLY_MODE"))
            #expect(junk.code == 2 && junk.errors.contains(".env line 1"))
            #expect(absent.code == 2 && absent.errors.contains("--env-file"))
        }
    }
}

// A store that is away is met as it is opened, and again by whatever asks it.
extension `The command` {
    private static let ofOneJob = [["explain"], ["inspect"]]
    private static let ofAll = [["queue", "list"], ["stats"], ["workers"], ["dlq", "list"], ["list"]]

    @Test(arguments: ["TALLY_REDIS_URL", "TALLY_POSTGRES_URL"])
    func `says once why a store is away, whether it needs that store or not [H4]`(_ name: String) async throws
    {
        try await withStores { scratch, environment in
            let record = JobRecord(type: "t")
            _ = try await scratch.ledger.record([record])
            _ = try await scratch.queue.push([Push(record, isRecorded: true)], issued: nil)
            let away = environment.merging([name: nowhere[name] ?? ""]) { $1 }
            let commands =
                Self.ofAll + Self.ofOneJob.map { $0 + ["\(record.id)"] }
                + [["pause", "default"], ["resume", "default"]]

            for words in commands {
                let outcome = try await Tool.run(words, environment: away)

                let said = outcome.errors.ranges(of: "Connection refused").count
                #expect(said == 1, "\(words): \(outcome.errors)")
                #expect(!outcome.errors.contains("trying again"), "\(words): \(outcome.errors)")
            }
        }
    }

    @Test func `says once that writes of its login are refused, which its pairing met before`() async throws {
        try await withStores { scratch, environment in
            let failed = try await makeDeadLetters(["t"], scratch)[0]
            let url = environment["TALLY_POSTGRES_URL"] ?? ""
            let option = (url.contains("?") ? "&" : "?") + "options=-c%20default_transaction_read_only%3Don"
            let held = environment.merging(["TALLY_POSTGRES_URL": url + option]) { $1 }

            for words in [
                ["enqueue", "--type", "t", "--payload-json", "{}"], ["dlq", "requeue", "\(failed)"],
            ] {
                let outcome = try await Tool.run(words, environment: held)

                #expect(outcome.code == 1 && outcome.output.isEmpty, "\(words): \(outcome.output)")
                let said = outcome.errors.split(separator: "\n").filter { $0.contains("(25006)") }
                #expect(said.count == 1, "\(words): \(outcome.errors)")
            }
        }
    }

    @Test func `that watches says once a look why a store is away [H4]`() async throws {
        try await withStores { _, environment in
            let away = environment.merging(nowhere.filter { $0.key == "TALLY_REDIS_URL" }) { $1 }
            let running = try Tool.Running(["workers", "--watch", "--every", "200ms"], environment: away)
            try await eventually("it has looked twice") {
                running.errors.ranges(of: "looking again").count > 1
            }
            running.signal(SIGTERM)
            let outcome = try await running.outcome()

            let looks = outcome.errors.ranges(of: "looking again").count
            #expect(outcome.errors.ranges(of: "Connection refused").count == looks, "\(outcome.errors)")
        }
    }
}

@Suite struct `An .env file` {
    @Test func `that is not UTF-8, or not to be read, is refused and not taken for absent [H7]`() async throws
    {
        let folder = NSTemporaryDirectory() + "/tally-dotenv-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(
            atPath: folder + "/sub/.env", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // best effort: a temporary folder
        try Data([65, 61, 49, 10, 66, 61, 0xFF]).write(to: URL(fileURLWithPath: folder + "/.env"))

        let bytes = try await Tool.run(["stats"], folder: folder)
        let directory = try await Tool.run(["stats"], folder: folder + "/sub")

        #expect(bytes.code == 2 && bytes.errors.contains(".env line 2: is not UTF-8"), "\(bytes.errors)")
        #expect(
            directory.code == 2 && directory.errors.contains(".env cannot be read"), "\(directory.errors)")
    }
}
