import TallyCore
import TallyPostgres
import TallyRedis
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties
@testable import TallyRuntime
@testable import Tallystick

/// Its row says less than the ledger has: what came meanwhile is kept beside it. One after another: they share servers.
@Suite(.serialized) struct `A job whose row a client's transaction holds` {
    private func hold(_ id: JobID, _ halves: Halves) async throws {
        try await halves.session.begin()
        try await halves.sql("SELECT 1::bigint FROM SCHEMA.jobs WHERE id = '\(id)'::uuid FOR UPDATE")
    }
    private func row(_ id: JobID, _ halves: Halves) async throws -> JobStatus? {
        try await halves.ledger.jobs([id])[id]?.status
    }

    @Test
    func `and that has ended is not run again once Redis has forgotten it, and not cancelled [I13, P3]`()
        async throws
    {
        let clock = ManualClock(.now)
        try await Halves.with(clock: clock) { halves in
            let id = try await halves.job(.processing)
            let lease = try #require(try await halves.queue.inspect([id]).held[id]?.lease)
            try await hold(id, halves)
            _ = try await halves.queue.settle([.ack(lease)])
            try await halves.mirrorAll()
            let patrol = Patrol(
                reconciler: try Reconciler(queue: halves.queue, ledger: halves.ledger, mirror: halves.mirror))
            for isForgotten in [false, true] {
                if isForgotten {
                    clock.advance(by: Limits.tombstone + .seconds(1))
                    for generation in ["a", "b"] { try halves.send("DEL", .tombs, of: generation) }
                }

                let run = try #require(try await patrol.step().first)
                let repair = try await halves.reconcile(.repair).run

                for run in [run, repair] {
                    #expect(run.findings.isEmpty && run.inconclusive > 0 && !run.isFull, "\(run.findings)")
                }
                #expect(try await halves.queue.inspect([id]).held[id] == nil)
            }
            #expect(try await halves.queue.inspect([id]).ended[id] == nil)
            let cancelled = try await Canceller(queue: halves.queue, ledger: halves.ledger).cancel(id)
            #expect(cancelled == .uncertain(CancelStep.waiting))

            try await halves.session.commit()
            let (run, statement) = try await halves.reconcile(.dry)

            #expect(try await row(id, halves) == .completed)
            #expect(run.findings.isEmpty && run.inconclusive == 0 && statement.holds, "\(run.findings)")
        }
    }

    @Test func `and that a structure of Redis names without a record is left alone [I13, P3]`() async throws {
        let clock = ManualClock(.now)
        try await Halves.with(clock: clock) { halves in
            let id = try await halves.job(.processing)
            let lease = try #require(try await halves.queue.inspect([id]).held[id]?.lease)
            let token = try await halves.token(id)
            try await hold(id, halves)
            _ = try await halves.queue.settle([.ack(lease)])
            try await halves.mirrorAll()
            clock.advance(by: Limits.tombstone + .seconds(1))
            try halves.send("ZADD", .leases, Array("9000000000000000".utf8), token)

            let run = try await halves.reconcile(.repair).run

            #expect(run.findings.isEmpty && run.inconclusive > 0, "\(run.findings)")
            #expect(try await halves.queue.inspect([id]).held[id] == nil)
            try await halves.session.commit()
        }
    }

    @Test func `and that has ended is not rebuilt in an emptied Redis, while the others are [I13, P3]`()
        async throws
    {
        try await PrivateRedis.with(["--appendonly", "no"]) { redis in
            try await withScratch { scratch in
                let (ledger, name) = (scratch.ledger, scratch.settings.namespace)
                let queue = try await RedisQueue.open(RedisConfiguration(url: redis.url, namespace: name))
                try await queue.open(epoch: queue.history().epoch)
                let session = try await PostgresSession.open(ledger.configuration)
                let client = JobClient(queue: queue, ledger: ledger)
                let records = (0..<3).map { _ in JobRecord(type: "t", body: Array("{}".utf8)) }
                _ = try await client.enqueue(contentsOf: records)
                await client.drain()
                let wish = ReserveWish([.default], limit: 1, lease: .seconds(600), worker: WorkerID("w"))
                let lease = try await queue.reserve(wish).jobs[0].lease
                try await RelayAndMirror.run(queue, ledger)
                try await session.begin()
                _ = try await session.query(
                    "SELECT 1::bigint FROM \"\(name)\".jobs WHERE id = '\(lease.id)'::uuid FOR UPDATE", [])
                _ = try await queue.settle([.ack(lease)])
                try await RelayAndMirror.run(queue, ledger)
                try RawRedis(url: redis.url)("FLUSHALL")
                try await eventually("a new epoch is held") { try await queue.history().isHeld }
                let mirror = Mirror(queue: queue, ledger: ledger)
                let reconciler = try Reconciler(queue: queue, ledger: ledger, mirror: mirror)

                #expect(try await reconciler.openIfHeld() == 2)

                #expect(try await !queue.history().isHeld)
                let view = try await queue.inspect(records.map(\.id))
                #expect(view.held.count == 2 && view.held[lease.id] == nil)
                try await session.commit()
                try await RelayAndMirror.run(queue, ledger)
                let (run, statement) = try await reconciler.run(.repair)
                #expect(run.findings.isEmpty && run.inconclusive == 0 && statement.holds, "\(run.findings)")
                #expect(try await ledger.jobs([lease.id])[lease.id]?.status == .completed)
                await session.close()
                await queue.close()
            }
        }
    }
}
