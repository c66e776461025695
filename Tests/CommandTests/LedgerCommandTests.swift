import Foundation
import TallyCore
import Testing

@testable import TallyPostgres
@testable import TestSupport
@testable import Tallystick

@Suite struct `The commands over the ledger` {
    @Test func `migrate tells what is missing, makes it, and verifies it [H8]`() async throws {
        let namespace = "scratch_" + JobID().description.filter { $0 != "-" }
        let settings = [
            "TALLY_REDIS_URL": try Servers.redisURL, "TALLY_POSTGRES_URL": try Servers.postgresURL,
            "TALLY_NAMESPACE": namespace,
        ]

        let before = try await Tool.run(["migrate", "--verify"], environment: settings)
        let pending = try await Tool.run(["migrate", "--status"], environment: settings)
        let script = try await Tool.run(["migrate", "--dry-run"], environment: settings)
        let applied = try await Tool.run(["migrate"], environment: settings)
        let again = try await Tool.run(["migrate"], environment: settings)
        let after = try await Tool.run(["migrate", "--verify"], environment: settings)
        try await Migrator(PostgresConfiguration(url: Servers.postgresURL, schema: namespace)).removeLedger()

        #expect(before.code == 1 && before.errors.contains("0001_jobs"))
        #expect(pending.output.contains("pending") && !pending.output.contains("applied"))
        #expect(script.output.contains("CREATE TABLE"))
        #expect(applied.code == 0 && applied.lines.count >= 3)
        #expect(again.output == "nothing to do\n")
        #expect(after.code == 0)
    }

    @Test func `stats counts each queue as it stands [H9]`() async throws {
        try await withStores { scratch, settings in
            let now = try await scratch.queue.history().now
            func push(_ queue: QueueName, _ count: Int, runAt: Timestamp? = nil) async throws {
                let jobs = (0..<count).map { _ in Push(JobRecord(type: "t", queue: queue, runAt: runAt)) }
                _ = try await scratch.queue.push(jobs, issued: nil, at: nil)
            }
            try await push("a", 5)
            try await push("a", 2, runAt: now + .seconds(3600))
            try await push("b", 3)
            let wish = ReserveWish(["a"], limit: 2, lease: .seconds(60), worker: WorkerID("w"))
            _ = try await scratch.queue.reserve(wish, at: nil)
            try await scratch.queue.pause("b", true)

            let stats = try await Tool.run(["stats", "--json"], environment: settings).json(
                [String: Any].self)

            let queues = try #require(stats["queues"] as? [[String: Any]])
            func number(_ queue: String, _ name: String) -> Int? {
                queues.first { $0["queue"] as? String == queue }?[name] as? Int
            }
            #expect(number("a", "pending") == 3)
            #expect(number("a", "waiting") == 2)
            #expect(number("a", "due") == 0)
            #expect(number("a", "processing") == 2)
            #expect(number("a", "expired") == 0)
            #expect(number("b", "pending") == 3)
            #expect(queues.first { $0["queue"] as? String == "b" }?["paused"] as? Bool == true)
        }
    }
}
