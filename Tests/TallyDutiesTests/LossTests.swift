import TallyCore
import TallyPostgres
import TallyRedis
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties
@testable import Tallystick

/// A Redis that loses the tail of its data, or all of it. One after another: each has a Redis of its own.
@Suite(.serialized) struct `After a loss of Redis' data` {
    private struct Pair {
        let queue: RedisQueue
        let ledger: PostgresLedger
        let mirror: Mirror

        func enqueue(_ count: Int) async throws -> [JobID] {
            let client = JobClient(queue: queue, ledger: ledger)
            let records = (0..<count).map { _ in JobRecord(type: "t", body: Array("{}".utf8)) }
            _ = try await client.enqueue(contentsOf: records)
            await client.drain()
            return records.map(\.id)
        }
        func lease(_ count: Int) async throws -> [Lease] {
            let wish = ReserveWish([.default], limit: count, lease: .seconds(600), worker: WorkerID("w"))
            return try await queue.reserve(wish).jobs.map(\.lease)
        }
    }

    /// A Redis that keeps only what `SAVE` writes, beside a scratch ledger.
    private func with(_ body: (Pair, PrivateRedis, RawRedis) async throws -> Void) async throws {
        try await PrivateRedis.with(["--appendonly", "no"]) { redis in
            try await withScratch { scratch in
                let queue = try await RedisQueue.open(
                    RedisConfiguration(url: redis.url, namespace: scratch.settings.namespace))
                try await queue.open(epoch: queue.history().epoch)
                let pair = Pair(
                    queue: queue, ledger: scratch.ledger, mirror: Mirror(queue: queue, ledger: scratch.ledger)
                )
                do {
                    try await body(pair, redis, RawRedis(url: redis.url))
                } catch {
                    await queue.close()
                    throw error
                }
                await queue.close()
            }
        }
    }

    private func restart(_ redis: PrivateRedis, _ queue: RedisQueue) async throws {
        redis.kill()
        try await redis.start()
        try await eventually("a new epoch is held") {
            do { return try await queue.history().isHeld } catch { return false }
        }
    }

    @Test func `only what the lost tail can have touched is compared, mended, and leasing goes on [I13, P3]`()
        async throws
    {
        try await with { pair, redis, raw in
            _ = try await pair.enqueue(400)
            let running = try await pair.lease(3)
            try await Settling.run(pair.queue, pair.ledger)
            let session = try await PostgresSession.open(pair.ledger.configuration)
            let schema = "\"\(pair.ledger.configuration.schema)\""
            // They have stood there for an hour.
            _ = try await session.query(
                "UPDATE \(schema).jobs SET updated_at = updated_at - interval '1 hour'")
            try raw("SAVE")
            // From here on Redis will have forgotten.
            _ = try await pair.queue.settle([.ack(running[0])])
            _ = try await pair.queue.settle([.retry(running[1], runAt: nil, attempts: 1, error: "e")])
            let mirrored = try await pair.enqueue(2)
            try await Settling.run(pair.queue, pair.ledger)
            let unmirrored = try await pair.enqueue(2)
            try await restart(redis, pair.queue)

            let reconciler = try Reconciler(queue: pair.queue, ledger: pair.ledger, mirror: pair.mirror)
            let repairs = try await reconciler.openIfHeld()
            try await Settling.run(pair.queue, pair.ledger)
            let (run, statement) = try await reconciler.run(.dry)

            // The ack, and four jobs; the retried one is leased still, and its worker may go on.
            #expect(repairs == 5)
            #expect(try await !pair.queue.history().isHeld)
            #expect(run.findings.isEmpty && statement.holds, "\(run.findings)")
            let held = try await pair.queue.inspect(mirrored + unmirrored + running.map(\.id)).held
            #expect(held.count == 6 && held[running[0].id] == nil)
            let scanned = try await session.query(
                "SELECT max(scanned_ledger)::bigint FROM \(schema).reconcile_runs WHERE mode = 'open'")
            await session.close()
            guard case .int(let most) = scanned[0][0] else { return }
            #expect(most >= 6 && most < 100, "\(most)")
        }
    }

    @Test func `an emptied Redis is rebuilt whole, without a cap [I13, P3]`() async throws {
        try await with { pair, redis, raw in
            _ = try await pair.enqueue(1500)
            try await Settling.run(pair.queue, pair.ledger)
            try raw("FLUSHALL")
            try await eventually("a new epoch is held") { try await pair.queue.history().isHeld }

            let reconciler = try Reconciler(
                queue: pair.queue, ledger: pair.ledger, mirror: pair.mirror, maxRepairs: 10)
            #expect(try await reconciler.openIfHeld() == 1500)
            try await Settling.run(pair.queue, pair.ledger)

            #expect(try await pair.queue.survey().held == 1500)
            #expect(try await reconciler.run(.dry).statement.holds)
        }
    }

    @Test func `one reconciler mends at a time, and a dry run asks nobody [P3]`() async throws {
        try await Halves.with { halves in
            let id = try await halves.provoke(.waits)
            let other = JobID()
            func takes(_ token: JobID, for length: Duration) async throws -> Bool {
                let wish = LeaseWish(
                    name: LeaseWish.reconcile, token: token, holder: "other", length: length)
                return try await halves.ledger.lease(wish) == .held(isWanted: false)
            }
            #expect(try await takes(other, for: .seconds(60)))

            await #expect(throws: RepairLease.Taken.self) { try await halves.reconcile(.repair) }
            let patrol = Patrol(
                reconciler: try Reconciler(queue: halves.queue, ledger: halves.ledger, mirror: halves.mirror))
            #expect(try await patrol.step().isEmpty)
            #expect(try await halves.reconcile(.dry).run.findings.contains { $0.job == id })

            try await halves.ledger.endLease(LeaseWish.reconcile, token: other)
            let run = try #require(try await patrol.step().first)
            #expect(run.repaired == 2 && run.isFull && run.mode == "serve")
            let last = try #require(try await halves.ledger.lastFullRun())
            #expect(Timestamp.now - last < .seconds(60))
            // What it held it has given back.
            #expect(try await takes(other, for: .seconds(1)))
            #expect(try await !takes(JobID(), for: .seconds(1)))
            #expect(try await takes(other, for: .microseconds(1)))
            #expect(try await takes(JobID(), for: .seconds(1)))
        }
    }

    @Test func `a leased job that lost its token runs again as a crash, never with two owners [D13, P3]`()
        async throws
    {
        try await Halves.with { halves in
            let id = try await halves.job(.processing)
            let first = try #require(try await halves.queue.inspect([id]).held[id]?.lease)
            _ = try await halves.queue.settle([.retry(first, runAt: nil, attempts: 1, error: "e")])
            let wish = ReserveWish([.default], limit: 1, lease: .seconds(600), worker: WorkerID("w"))
            let lost = try await halves.queue.reserve(wish).jobs[0].lease
            try await Settling.run(halves.queue, halves.ledger)
            try halves.send("DEL", .leases)

            #expect(try await halves.reconcile(.repair).run.findings.map(\.code) == ["D10"])
            let job = try #require(try await halves.queue.reserve(wish).jobs.first)
            #expect(job.crashes == 1 && job.lease.version == lost.version + 1)
            #expect(try await halves.queue.settle([.ack(lost)]) == [.refused(.mismatch)])
            #expect(try await halves.queue.settle([.ack(job.lease)]) == [.settled(.completed)])
            try await Settling.run(halves.queue, halves.ledger)
            #expect(try await halves.reconcile(.dry).run.findings.isEmpty)
        }
    }

    @Test func `a round takes as long as its share of each store asks`() {
        let pace = Pace(jobs: 1000, queue: .milliseconds(50), ledger: .milliseconds(200))

        #expect(pace.due(jobs: 500, queue: .zero, ledger: .zero) == .milliseconds(500))
        #expect(pace.due(jobs: 500, queue: .milliseconds(50), ledger: .zero) == .seconds(1))
        #expect(pace.due(jobs: 500, queue: .milliseconds(50), ledger: .milliseconds(400)) == .seconds(2))
    }
}
