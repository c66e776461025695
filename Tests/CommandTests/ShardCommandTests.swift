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

    @Test func `enqueues to either, counts both with their shards, inspects, cancels and reconciles`()
        async throws
    {
        try await with { environment, _, scratch in
            var ids: [String] = []
            for name in names {
                let told = try await Tool.run(
                    ["enqueue", "--type", "echo", "--queue", name, "--payload-json", "{}"],
                    environment: environment)
                #expect(told.code == 0, "\(told.errors)")
                ids.append(try #require(told.lines.first))
            }
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
            let report = try await Tool.run(["reconcile", "--json"], environment: environment)
            #expect(report.code == 8)
            #expect((try report.json()["error"] as? String)?.hasPrefix("shard 1: ") == true)
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
