import TallyAdmin
import TallyCore
import TallyMemory
import TallyTesting
import Tallystick
import TestSupport
import Testing

@testable import TallyDuties

@Suite struct `A filter` {
    private static let now = Timestamp("2030-01-01T00:00:00Z")!

    private static func job(failed ago: Duration?, error: String? = nil) -> JobSnapshot {
        JobSnapshot(
            record: JobRecord(type: "t", createdAt: now - .seconds(86_400)), status: .failed, version: 2,
            error: error, failedAt: ago.map { now - $0 })
    }

    @Test(arguments: [
        (JobFilter(), true), (JobFilter(olderThan: .seconds(60)), true),
        (JobFilter(olderThan: .seconds(61)), false), (JobFilter(newerThan: .seconds(60)), true),
        (JobFilter(newerThan: .seconds(59)), false), (JobFilter(error: "TIMED out"), true),
        (JobFilter(error: "refused"), false), (JobFilter(olderThan: .seconds(9), error: "refused"), false),
    ])
    func `means a job by the time since it failed and by its error`(_ filter: JobFilter, _ isMeant: Bool) {
        let job = Self.job(failed: .seconds(60), error: "connection timed out")

        #expect(filter.matches(job, now: Self.now) == isMeant)
    }

    @Test func `means a job that never failed by its creation, and by no error`() {
        let job = Self.job(failed: nil)

        #expect(JobFilter(olderThan: .seconds(86_400)).matches(job, now: Self.now))
        #expect(!JobFilter(olderThan: .seconds(86_401)).matches(job, now: Self.now))
        #expect(!JobFilter(error: "x").matches(job, now: Self.now))
    }
}

/// Memory stores that can fail.
@Suite struct `A requeue of many` {
    private func failed(_ s: Shards, _ count: Int) async throws {
        let jobs = (0..<count).map { _ in s.record(on: 0) }
        for job in jobs { try await s.client().enqueue(job) }
        let leases = try await s.reserve(count).jobs.map(\.lease)
        _ = try await s.sharded.leasing.settle(leases.map { .fail($0, attempts: 3, error: "x") })
        try await s.mirrorAll()
    }

    private func options(limit: Int = 1000) -> BulkOptions {
        var options = BulkOptions()
        (options.goes, options.limit, options.rate) = (true, limit, 10_000)
        return options
    }

    @Test func `stops at its limit and says that there may be more`() async throws {
        let s = Shards(1)
        try await failed(s, 5)

        let wish = RequeueWish(.zero, actor: "test")
        let report = try await s.admin.requeueAll(matching: JobFilter(), wish, options(limit: 3))

        #expect(report.changed == 3 && report.isCut && report.before == 5 && report.after == 2)
        let rest = try await s.admin.requeueAll(matching: JobFilter(), wish, options(limit: 3))
        #expect(rest.changed == 2 && !rest.isCut && rest.after == 0)
        #expect(try await s.reserve(9).jobs.count == 5)
    }

    @Test func `leaves to the relay what Redis did not take`() async throws {
        let s = Shards(1)
        try await failed(s, 2)
        s.queues[0].setOutage(.unavailable)

        let wish = RequeueWish(.zero, actor: "test")
        let report = try await s.admin.requeueAll(matching: JobFilter(), wish, options())

        #expect(report.changed == 2 && report.after == 0)
        #expect(try await s.ledger.balances().outbox == 2)
    }
}

/// Memory stores.
@Suite struct `A purge` {
    @Test func `deletes old dead letters alone, counts them as purged, and the sums hold [D9]`() async throws
    {
        let clock = ManualClock(.now)
        let s = Shards(1, ledger: MemoryLedger(clock: clock.reading))
        let jobs = (0..<3).map { _ in s.record(on: 0) }
        for job in jobs { try await s.client().enqueue(job) }
        let leases = try await s.reserve(2).jobs.map(\.lease)
        _ = try await s.sharded.leasing.settle(leases.map { .fail($0, attempts: 3, error: "x") })
        try await s.mirrorAll()
        var options = BulkOptions()
        (options.goes, options.rate) = (true, 10_000)

        let young = try await s.admin.purgeDeadLetters(matching: JobFilter(), options, actor: "test")
        #expect(young.changed == 0 && young.refused == ["too_young": 2] && young.after == 2)

        clock.advance(by: Limits.purgeAge + .seconds(60))
        let old = try await s.admin.purgeDeadLetters(matching: JobFilter(), options, actor: "test")
        #expect(old.changed == 2 && old.before == 2 && old.after == 0, "\(old)")
        let balances = try await s.ledger.balances()
        #expect(balances.purged == 2 && balances.accepted == 3 && balances.active == 1)
        let rest = try await s.ledger.list(JobQuery()).jobs.map(\.record.id)
        #expect(rest == [jobs[2].id])
        #expect(try await s.reconcile(0).exitCode == 0)
    }
}

/// Both real stores, and a ledger that can fail.
@Suite struct `A replay that is broken off` {
    @Test
    func `enqueues nothing twice where the answer to its commit was lost, or nothing was committed [D9]`()
        async throws
    {
        try await withScratch { scratch in
            let job = JobRecord(type: "mail", queue: "q")
            _ = try await scratch.queue.push([Push(job)], issued: nil)
            let wish = ReserveWish(["q"], limit: 1, lease: .seconds(60), worker: WorkerID("w"))
            let lease = try #require(try await scratch.queue.reserve(wish).jobs.first).lease
            _ = try await scratch.queue.settle([.fail(lease, attempts: 1, error: "502")])
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            while try await mirror.step() > 0 {}
            let faulty = FaultyLedger(scratch.ledger)
            let admin = Admin(queue: ShardedQueue(scratch.queue.store), ledger: faulty.store)
            var options = BulkOptions()
            (options.goes, options.rate) = (true, 10_000)
            let failed = ReplayWish("status = 'failed'", actor: "test")

            faulty.inject(.refuse(.transient), on: .commit)
            let refused = await caught(LedgerError.self) { try await admin.replay(failed, options) }
            #expect(refused?.code == .transient)
            #expect(try await scratch.ledger.balances().accepted == 1)
            faulty.inject(.dropReply, on: .commit)
            let lost = await caught(LedgerError.self) { try await admin.replay(failed, options) }
            #expect(lost?.code == .uncertain)
            let again = try await admin.replay(failed, options)

            #expect(again.replayed == 0 && again.refused == ["replayed_before": 1], "\(again)")
            #expect(try await scratch.ledger.balances().accepted == 2)
            let links = try await scratch.ledger.lineage(of: job.id)
            #expect(links.count == 1 && links[0].origin == job.id)
        }
    }
}
