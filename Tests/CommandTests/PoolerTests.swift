import TallyCore
import TallyTesting
import TestSupport
import Tallystick
import Testing

/// Before everything but `tally migrate`, whose schemas are made beside it.
@Suite(.serialized) struct `A PgBouncer in transaction mode before the ledger` {
    @Test func `lets every promise of the conformance kit be kept [J1, J2]`() async throws {
        try await PrivatePooler.with { pooler in
            for promise in Conformance.cases {
                do {
                    let outcome = try await promise.run { try await stores(behind: pooler.url) }
                    #expect(outcome == .kept, "\(promise)")
                } catch {
                    Issue.record("\(promise): \(error)")
                }
            }
        }
    }

    private func stores(behind url: String) async throws -> ConformanceStore {
        let clock = ManualClock()
        let schema = try await MigratedSchema.take()
        let scratch = try await ScratchNamespace.open(
            redisURL: Servers.redisURL, postgresURL: url, clock: clock.reading, schema: schema.name)
        return ConformanceStore(
            queue: scratch.queue, ledger: scratch.ledger, clock: clock,
            close: {
                try await scratch.remove()
                try await schema.giveBack()
            })
    }

    @Test func `hands nobody a session in which a condition of a replay has left a lock`() async throws {
        try await PrivatePooler.with { pooler in
            try await withScratch { scratch in
                _ = try await scratch.ledger.record([JobRecord(type: "t", queue: "q")])
                let lock = "pg_try_advisory_lock(\(Int64.random(in: 1 ... .max)))"

                let outcome = try await Tool.run(
                    ["replay", "--where", lock, "--json"],
                    environment: [
                        "TALLY_REDIS_URL": scratch.settings.redisURL, "TALLY_POSTGRES_URL": pooler.url,
                        "TALLY_NAMESPACE": scratch.settings.namespace,
                    ])

                #expect(outcome.code == 0, "\(outcome.errors)")
                #expect(try outcome.json()["before"] as? [String: Int] == ["pending": 1])
                try await eventually("the lock is free") {
                    try await scratch.ledger.statuses(of: lock) == [.pending: 1]
                }
            }
        }
    }

    @Test func `lets jobs of both modes through worker and duties, and every command does its work [H4]`()
        async throws
    {
        try await PrivatePooler.with { pooler in
            try await withScratch { scratch in
                let environment = [
                    "TALLY_REDIS_URL": scratch.settings.redisURL, "TALLY_POSTGRES_URL": pooler.url,
                    "TALLY_NAMESPACE": scratch.settings.namespace,
                ]
                let ids = try await enqueue(environment)

                let worker = try await withWorker(environment) { _ in
                    try await eventually("each has its end in the ledger") {
                        let rows = try await scratch.ledger.jobs(ids.all)
                        return rows[ids.failed]?.status == .failed
                            && ids.completed.allSatisfy { rows[$0]?.status == .completed }
                    }
                    for words in commands(ids) {
                        let outcome = try await Tool.run(words, environment: environment)
                        #expect(outcome.code == 0, "\(words): \(outcome.output) \(outcome.errors)")
                    }
                    try await eventually("what was requeued has failed again, what was cancelled has ended") {
                        let rows = try await scratch.ledger.jobs(ids.all)
                        return rows[ids.failed]?.status == .failed && rows[ids.waiting]?.status == .cancelled
                    }
                }

                #expect(worker.code == 0)
                let reconciled = try await Tool.run(["reconcile", "--full"], environment: environment)
                #expect(reconciled.code == 0, "\(reconciled.output) \(reconciled.errors)")
            }
        }
    }

    private struct Jobs: Sendable {
        var completed: [JobID]
        var failed: JobID
        var waiting: JobID
        var all: [JobID] { completed + [failed, waiting] }
    }

    private func enqueue(_ environment: [String: String]) async throws -> Jobs {
        func enqueue(_ words: String...) async throws -> JobID {
            let outcome = try await Tool.run(["enqueue"] + words, environment: environment)
            return try #require(JobID(outcome.lines.first ?? ""), "\(outcome.errors)")
        }
        let completed = [
            try await enqueue("--type", "echo", "--payload", "1", "--mode", "recorded"),
            try await enqueue("--type", "echo", "--payload", "2", "--mode", "queued"),
            try await enqueue("--type", "echo", "--payload", "3", "--key", "k"),
        ]
        return Jobs(
            completed: completed, failed: try await enqueue("--type", "fail", "--max-attempts", "1"),
            waiting: try await enqueue("--type", "echo", "--run-at", "2035-01-01T00:00:00Z"))
    }

    private func commands(_ ids: Jobs) -> [[String]] {
        [
            ["list", "--json"], ["inspect", "\(ids.failed)"], ["explain", "\(ids.failed)"], ["workers"],
            ["stats"], ["queue", "list"], ["dlq", "list"], ["partitions"],
            ["replay", "--where", "status = 'failed'"], ["dlq", "purge", "--older-than", "2d"],
            ["pause", "default"], ["resume", "default"],
            ["change", "\(ids.waiting)", "--run-at", "2036-01-01T00:00:00Z"], ["cancel", "\(ids.waiting)"],
            ["dlq", "requeue", "\(ids.failed)", "--reset-attempts"],
        ]
    }
}
