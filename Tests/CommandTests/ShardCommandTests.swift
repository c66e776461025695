import TallyCore
import TallyRedis
import TestSupport
import Testing

@testable import Tallystick

@Suite(.serialized) struct `The command on two shards` {
    private func with(
        _ body: (_ environment: [String: String], _ other: PrivateRedis, ScratchShards) async throws -> Void
    ) async throws {
        try await PrivateRedis.with { one in
            try await PrivateRedis.with { other in
                let scratch = try await ScratchShards.open([one.url, other.url])
                let environment = [
                    "TALLY_REDIS_URL": scratch.settings.redisURL,
                    "TALLY_POSTGRES_URL": try Servers.postgresURL,
                    "TALLY_NAMESPACE": scratch.settings.namespace,
                ]
                try await body(environment, other, scratch)
                try await other.start()
                try await scratch.remove()
            }
        }
    }

    /// Of the two names one lives on each.
    private let names = ["default", "mail"]

    /// A job in each; answers their ids.
    private func enqueueToEach(_ environment: [String: String]) async throws -> [String] {
        var ids: [String] = []
        for name in names {
            let told = try await Tool.run(
                ["enqueue", "--type", "echo", "--queue", name, "--payload-json", "{}"],
                environment: environment)
            #expect(told.code == 0, "\(told.errors)")
            ids.append(try #require(told.lines.first))
        }
        return ids
    }

    @Test func `enqueues to either, counts both with their shards, inspects, cancels and reconciles`()
        async throws
    {
        try await with { environment, _, scratch in
            let ids = try await enqueueToEach(environment)
            try await Settled(scratch).run()
            let stats = try await Tool.run(["stats", "--json"], environment: environment).json()
            let queues = try #require(stats["queues"] as? [[String: Any]])
            #expect(queues.map { $0["queue"] as? String } == names)
            #expect(queues.map { $0["shard"] as? Int } == [0, 1])
            #expect((stats["shards"] as? [[String: Any]])?.map { $0["shard"] as? Int } == [0, 1])
            let table = try await Tool.run(["stats"], environment: environment)
            #expect(table.output.contains("SHARD"))

            for id in ids {
                let job = try await Tool.run(["inspect", id, "--json"], environment: environment).json()
                #expect(job["in_redis"] as? String == "pending" && job["in_postgres"] as? String == "pending")
            }
            let report = try await Tool.run(["reconcile", "--json"], environment: environment)
            #expect(report.code == 0, "\(report.output)")
            let statement = try #require(try report.json()["statement"] as? [String: Any])
            #expect((statement["redis_shards"] as? [[String: Any]])?.map { $0["held"] as? Int } == [1, 1])
            #expect(statement["accepted"] as? Int == 2)
            #expect(try await Tool.run(["workers"], environment: environment).code == 0)
        }
    }

    @Test func `says which shard is away, and what the other says`() async throws {
        try await with { environment, other, scratch in
            _ = try await Tool.run(
                ["enqueue", "--type", "echo", "--payload-json", "{}"], environment: environment)
            try await Settled(scratch).run()
            other.kill()
            let stats = try await Tool.run(["stats", "--json"], environment: environment)
            let shards = try #require(try stats.json()["shards"] as? [[String: Any]])
            #expect(shards[0]["error"] == nil && (shards[1]["error"] as? String)?.isEmpty == false)
            let queues = try #require(try stats.json()["queues"] as? [[String: Any]])
            #expect(queues.map { $0["pending"] as? Int } == [1])
            #expect(stats.code == 1 && stats.errors.contains("the Redis of shard 1 cannot be read"))
            let table = try await Tool.run(["stats"], environment: environment)
            #expect(table.code == 1 && table.output.contains("shard 1: away"))
            let report = try await Tool.run(["reconcile", "--json"], environment: environment)
            #expect(report.code == 8)
            #expect((try report.json()["error"] as? String)?.hasPrefix("shard 1: ") == true)
            let statement = try #require(try report.json()["statement"] as? [String: Any])
            let accounts = try #require(statement["redis_shards"] as? [[String: Any]])
            #expect(statement["redis"] == nil && accounts.map { $0["held"] as? Int } == [1, nil])
            #expect((accounts[1]["error"] as? String)?.isEmpty == false)
        }
    }

    @Test func `waits a moment for a shard that hangs, says that it did not answer, and where it is`()
        async throws
    {
        try await with { environment, other, scratch in
            let ids = try await enqueueToEach(environment)
            try await Settled(scratch).run()
            other.freeze()
            defer { other.resume() }
            let ends: [([String], Int32)] = [
                (["stats"], 1), (["inspect", ids[0]], 0), (["inspect", ids[1]], 1), (["list"], 0),
                (["workers"], 0),
            ]
            for (words, code) in ends {
                let began = ContinuousClock.now
                let told = try await Tool.run(words + ["--json"], environment: environment)
                #expect(told.code == code, "\(words): \(told.errors)")
                #expect(ContinuousClock.now - began < Limits.commandConnect * 2, "\(words)")
                #expect(told.errors.contains("127.0.0.1:\(other.port)/0"), "\(told.errors)")
                #expect(told.errors.contains("did not answer within 2000 ms"), "\(told.errors)")
                #expect(!told.errors.contains("temporarily"), "\(told.errors)")
                guard words[0] == "inspect" else { continue }
                let job = try told.json()
                #expect(job["in_redis"] as? String == (code == 0 ? "pending" : "unknown"))
                #expect(job["in_postgres"] as? String == "pending" && job["unread_shards"] as? [Int] == [1])
            }
            let cancelled = try await Tool.run(["cancel", ids[0], "--json"], environment: environment)
            #expect(cancelled.code == 1 && cancelled.errors.contains("shard 1 has not answered"))
            let outcome = try cancelled.json()
            #expect(outcome["outcome"] as? String == "cancelled" && outcome["unread_shards"] as? [Int] == [])
            #expect(outcome["unanswered_shards"] as? [Int] == [1])
            let told = try await Tool.run(["cancel", ids[0]], environment: environment)
            #expect(told.code == 1 && told.lines == ["cancelled"], "\(told.output)")
            #expect(told.errors.contains("shard 1 has not answered"), "\(told.errors)")
            other.resume()
            try await eventually("both have answered") {
                try await Tool.run(["cancel", ids[0]], environment: environment).code == 0
            }
        }
    }

    @Test func `cancels what the others have where one is away, and does not say that all is done`()
        async throws
    {
        try await with { environment, other, scratch in
            let ids = try await enqueueToEach(environment)
            try await Settled(scratch).run()
            other.kill()

            let told = try await Tool.run(["cancel", ids[0], "--json"], environment: environment)

            #expect(told.code == 1 && told.errors.contains("shard 1 could not be asked"), "\(told.errors)")
            let outcome = try told.json()
            #expect(outcome["outcome"] as? String == "cancelled" && outcome["unread_shards"] as? [Int] == [1])
            let id = try #require(JobID(ids[0]))
            #expect(try await scratch.queues[0].inspect([id]).held.isEmpty)
        }
    }

    @Test func `waits for a shard as a service does where it runs for long, and does not say that it is one`()
        async throws
    {
        try await with { environment, other, _ in
            other.freeze()
            defer { other.resume() }
            let commands = [["reconcile"], ["enqueue", "--stdin"], ["partitions", "make"]]
            let running = try commands.map { try Tool.Running($0, environment: environment) }
            let waited = "did not answer within \(Limits.connect.components.seconds * 1000) ms"
            try await eventually("each has waited, and says so") {
                running.allSatisfy { $0.errors.contains(waited) }
            }
            other.resume()
            for command in running {
                let errors = try await command.outcome().errors
                #expect(!errors.contains("within 2000 ms"), "\(errors)")
                // A service is what tries again: these go on, and end.
                #expect(!errors.contains("trying again"), "\(errors)")
            }
        }
    }

    @Test func `shows, names and cancels every job of an id that is one on both [D38]`() async throws {
        try await with { environment, _, scratch in
            let id = JobID()
            for name in names {
                let told = try await Tool.run(
                    [
                        "enqueue", "--mode", "queued", "--id", "\(id)", "--type", "echo", "--queue", name,
                        "--payload-json", "{}",
                    ], environment: environment)
                #expect(told.code == 0, "\(told.errors)")
            }
            try await Settled(scratch).run()
            let job = try await Tool.run(["inspect", "\(id)", "--json"], environment: environment).json()
            let places = try #require(job["shards"] as? [[String: Any]])
            #expect(places.map { $0["queue"] as? String } == names && job["in_redis"] as? String == "pending")
            let shown = try await Tool.run(["inspect", "\(id)"], environment: environment)
            #expect(shown.output.contains("one id, 2 jobs"))
            let history = try #require(job["history"] as? [[String: Any]])
            #expect(history.map { $0["life"] as? Int } == [1, 2])
            #expect(history.map { $0["shard"] as? Int } == [0, 1])
            #expect(shown.lines.contains("life 2 of 2, on shard 1"), "\(shown.output)")
            let report = try await Tool.run(["reconcile", "--repair", "--json"], environment: environment)
            let findings = try #require(try report.json()["findings"] as? [[String: Any]])
            #expect(report.code == 4 && findings.map { $0["code"] as? String } == ["D38"])

            let told = try await Tool.run(["cancel", "\(id)", "--json"], environment: environment)
            let shards = try #require(try told.json()["shards"] as? [[String: Any]])
            #expect(told.code == 0 && shards.map { $0["outcome"] as? String } == ["cancelled", "cancelled"])
            #expect(shards.map { $0["shard"] as? Int } == [0, 1])
            for queue in scratch.queues { #expect(try await queue.inspect([id]).held.isEmpty) }
            let again = try await Tool.run(["cancel", "\(id)"], environment: environment)
            #expect(
                again.code == 0 && again.lines == ["cancelled", "shard 0: cancelled", "shard 1: cancelled"])
        }
    }

    /// Relay and mirror of both, until nothing is left.
    private struct Settled {
        let scratch: ScratchShards
        init(_ scratch: ScratchShards) { self.scratch = scratch }
        func run() async throws {
            for queue in scratch.queues {
                _ = try await Relay(queue: queue, ledger: scratch.ledger).step(olderThan: .zero)
                let mirror = Mirror(queue: queue, ledger: scratch.ledger)
                while try await mirror.step() > 0 {}
            }
        }
    }
}
