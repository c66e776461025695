import TallyCore
import TallyLab
import TallyPostgres
import TallyRedis
import TestSupport
import Testing

@testable import TallyDuties
@testable import Tallystick

/// Drift that cannot arise, or is left alone on purpose, and what makes that so. One after another: they share servers.
@Suite(.serialized) struct `Drift that the reconciler does not look for` {
    private func wish(_ worker: String) -> ReserveWish {
        ReserveWish([.default], limit: 5, lease: .seconds(600), worker: WorkerID(worker))
    }

    private func lease(_ queue: RedisQueue) async throws -> Lease {
        let jobs = try await queue.reserve(wish("w")).jobs
        return try #require(jobs.first).lease
    }

    @Test func `a lease outlives its lost worker, is not taken early, and ends by itself [D15, P3]`()
        async throws
    {
        try await Halves.with { halves in
            let id = try await halves.job(.processing)
            let lease = try #require(try await halves.queue.inspect([id]).held[id]?.lease)
            try await halves.queue.heartbeat(
                WorkerBeat(
                    id: WorkerID("w"), status: .running, queues: [.default], types: ["t"], running: [id],
                    concurrency: 1, startedAt: .now, host: "h", pid: 1))
            try await halves.mirrorAll()
            try await halves.sql("UPDATE SCHEMA.workers SET last_seen = now() - interval '10 minutes'")

            let run = try await halves.reconcile(.repair).run

            #expect(run.findings.map(\.code) == ["D22"])
            #expect(try await halves.queue.inspect([id]).held[id]?.lease == lease)
            #expect(try await halves.queue.reserve(wish("other")).jobs.isEmpty)
            // Its time comes, and nobody has to find it.
            let past = try await halves.queue.history().now - .seconds(1)
            try await halves.send(
                "ZADD", .leases, Array("\(past.microseconds)".utf8), halves.token(id))
            let next = try #require(try await halves.queue.reserve(wish("other")).jobs.first)
            #expect(next.record.id == id && next.crashes == 1)
            #expect(try await halves.queue.settle([.ack(lease)]) == [.refused(.mismatch)])
        }
    }

    @Test func `a pause stands in Redis alone, so nothing can say otherwise [D29, P3]`() async throws {
        try await Halves.with { halves in
            _ = try await halves.job(.pending)
            let rows = try await halves.rows()
            let end = try await halves.queue.history().end

            try await halves.queue.pause(.default, true)

            #expect(try await halves.queue.history().end == end)
            try await halves.mirrorAll()
            #expect(try await halves.rows() == rows)
            let columns = try await halves.sql(
                """
                SELECT count(*)::bigint FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                WHERE c.relnamespace = 'SCHEMA'::regnamespace AND (a.attname ~ 'pause' OR c.relname ~ 'pause')
                """)
            #expect(columns == [[.int(0)]])
            #expect(try await halves.queue.reserve(wish("w")).jobs.isEmpty)
            #expect(try await halves.reconcile(.dry).run.findings.isEmpty)
        }
    }

    @Test func `each row says what its last event says, whatever moved it [D32, P3]`() async throws {
        try await Halves.with { halves in
            let (queue, ledger) = (halves.queue, halves.ledger)
            _ = try await halves.job(.scheduled)
            let ended = try await halves.job(.completed)
            let failed = try await halves.job(.pending)
            _ = try await queue.settle([.fail(lease(queue), attempts: 1, error: "e")])
            let requeued = try await halves.job(.pending)
            _ = try await queue.settle([.fail(lease(queue), attempts: 1, error: "e")])
            try await halves.mirrorAll()
            _ = try await ledger.requeue(
                requeued, seen: 2, runAt: nil, resetAttempts: true, actor: "ann")
            try await halves.mirrorAll()
            _ = try await queue.settle(
                [.retry(lease(queue), runAt: .now + .seconds(60), attempts: 1, error: "e")])
            _ = try await halves.job(.processing)
            let cancelled = try await halves.job(.pending)
            _ = try await queue.cancel(cancelled, tombstone: nil)
            _ = try await halves.provoke(.olderVersion)
            _ = try await halves.reconcile(.repair)
            try await halves.mirrorAll()

            let statuses = try await ledger.list(JobQuery(limit: 50)).jobs.map(\.status)
            #expect(Set(statuses) == Set(JobStatus.allCases), "\(statuses)")
            #expect(try await ledger.drillFindings(.lastEvent) == [])

            // Redis lost its tail twice: once the job's end, which it took back, and then the job.
            try await halves.sql(
                """
                INSERT INTO SCHEMA.job_events (job_id, shard, epoch, seq, at, event, from_status, status, version)
                SELECT job_id, shard, epoch + 1, seq, at, 'reclaim', 'processing', 'pending', version
                FROM SCHEMA.job_events WHERE status = 'completed' AND job_id = '\(ended)'::uuid
                """)
            #expect(try await ledger.drillFindings(.lastEvent) == [])

            // Who writes rows by hand is found by this question, not by the reconciler.
            try await halves.run("UPDATE JOBS SET error = 'x', status = 'cancelled'", failed)
            #expect(try await ledger.drillFindings(.lastEvent).count == 1)
            #expect(
                try await halves.reconcile(.dry).run.findings.allSatisfy { $0.code == "D21" })
        }
    }
}
