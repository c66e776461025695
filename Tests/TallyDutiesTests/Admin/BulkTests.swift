import TallyAdmin
import TallyCore
import TallyMemory
import TallyTesting
import Tallystick
import TestSupport
import Testing

@testable import TallyDuties
@testable import TallyPostgres

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
    private func options(limit: Int = 1000) -> BulkOptions {
        var options = BulkOptions()
        (options.goes, options.limit, options.rate) = (true, limit, 10_000)
        return options
    }

    @Test func `stops at its limit and says that there may be more`() async throws {
        let s = Shards(1)
        try await s.fail(5)

        let wish = RequeueWish(.zero, actor: "test")
        let report = try await s.admin.requeueAll(matching: JobFilter(), wish, options(limit: 3))

        #expect(report.changed == 3 && report.isCut && report.before == 5 && report.after == 2)
        let rest = try await s.admin.requeueAll(matching: JobFilter(), wish, options(limit: 3))
        #expect(rest.changed == 2 && !rest.isCut && rest.after == 0)
        #expect(try await s.reserve(9).jobs.count == 5)
    }

    @Test func `keeps its rate where the first that matches was found late`() async throws {
        let s = Shards(1)
        try await s.fail(4)
        let time = StandingTime()
        var options = options()
        (options.rate, options.pace) = (20, time.pace)
        options.isStopped = {
            time.passOnce(.seconds(10))
            return false
        }

        let wish = RequeueWish(.zero, actor: "test")
        let report = try await s.admin.requeueAll(matching: JobFilter(), wish, options)

        #expect(report.changed == 4 && time.waits == Array(repeating: .milliseconds(50), count: 3))
    }

    @Test func `keeps its rate behind one that took long, and catches up nothing`() async throws {
        let s = Shards(1)
        try await s.fail(5)
        let time = StandingTime()
        var options = options()
        (options.rate, options.pace) = (20, time.pace)
        options.progress = { count in if count == 2 { time.pass(.seconds(10)) } }

        let wish = RequeueWish(.zero, actor: "test")
        let report = try await s.admin.requeueAll(matching: JobFilter(), wish, options)

        // The third had its turn long ago and goes at once; those behind it wait as ever.
        #expect(report.changed == 5 && time.waits == Array(repeating: .milliseconds(50), count: 3))
    }

    @Test func `leaves to the relay what Redis did not take`() async throws {
        let s = Shards(1)
        try await s.fail(2)
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

/// Memory stores that can fail, and count their calls.
@Suite struct `A cancellation of what waits in a queue` {
    private func options() -> BulkOptions {
        var options = BulkOptions()
        (options.goes, options.rate) = (true, 10_000)
        return options
    }

    @Test
    func `cancels many in one call, and leaves what runs by now without a word to its worker [D11, H4]`()
        async throws
    {
        let s = Shards(1)
        let jobs = (0..<150).map { _ in s.record(on: 0) }
        for job in jobs { try await s.client().enqueue(job) }
        try await s.mirrorAll()
        // The ledger does not know yet that they run.
        let leases = try await s.reserve(2).jobs.map(\.lease)

        let report = try await s.admin.cancelWaiting(in: s.name(0), matching: JobFilter(), options())

        #expect(report.matched == 150 && report.changed == 148 && report.refused == ["running": 2])
        #expect(report.after == 0 && s.queues[0].count(of: .cancel) == 2)
        #expect(s.queues[0].count(of: .inspect) == 0)
        let told = try await s.sharded.leasing.extend(leases, by: .seconds(60))
        for answer in told {
            guard case .extended(_, cancelRequested: false) = answer else {
                Issue.record("\(answer)")
                continue
            }
        }
        let rows = try await s.ledger.jobs(jobs.map(\.id)).values
        #expect(rows.count(where: { $0.status == .cancelled }) == 148)
    }

    @Test func `cancels what is recorded and not in the queue yet, which no push brings back [D11]`()
        async throws
    {
        let s = Shards(1)
        // The ledger must have heard of the queue's epoch.
        try await s.client().enqueue(JobRecord(type: "t", queue: s.name(0, 1)))
        try await s.mirrorAll()
        let jobs = (0..<3).map { _ in s.record(on: 0) }
        _ = try await s.ledger.record(jobs)

        let report = try await s.admin.cancelWaiting(in: s.name(0), matching: JobFilter(), options())

        #expect(report.changed == 3 && report.refused.isEmpty && s.queues[0].count(of: .cancel) == 2)
        let relay = Relay(queue: s.queues[0], ledger: s.ledger)
        while try await relay.step(olderThan: .zero) > 0 {}
        #expect(try await s.reserve(9).jobs.isEmpty)
    }

    @Test func `finds room for others among its limit where some run`() async throws {
        let s = Shards(1)
        let jobs = (0..<5).map { _ in s.record(on: 0) }
        for job in jobs { try await s.client().enqueue(job) }
        try await s.mirrorAll()
        _ = try await s.reserve(2)
        var options = options()
        options.limit = 2

        let report = try await s.admin.cancelWaiting(in: s.name(0), matching: JobFilter(), options)

        #expect(report.changed == 2 && report.refused == ["running": 2] && report.isCut, "\(report)")
    }

    @Test func `cancels again what it is not sure of, and says of what stays so`() async throws {
        let s = Shards(1)
        let jobs = (0..<2).map { _ in s.record(on: 0) }
        for job in jobs { try await s.client().enqueue(job) }
        try await s.mirrorAll()

        s.queues[0].inject(.dropReply, on: .cancel)
        let lost = try await s.admin.cancelWaiting(in: s.name(0), matching: JobFilter(), options())
        #expect(lost.changed == 2 && lost.refused.isEmpty)

        let more = s.record(on: 0)
        try await s.client().enqueue(more)
        try await s.mirrorAll()
        s.queues[0].inject(.refuse(.damaged), on: .cancel, times: 100)
        let damaged = try await s.admin.cancelWaiting(in: s.name(0), matching: JobFilter(), options())
        #expect(damaged.changed == 0 && damaged.uncertain == 1 && damaged.refused.isEmpty)
        guard case .failed? = damaged.stop else {
            Issue.record("\(String(describing: damaged.stop))")
            return
        }
    }
}

/// Both real stores.
@Suite struct `A requeue of many in the real stores` {
    @Test func `changes nothing in a dry run, keeps its rate, and counts before and after [D9]`()
        async throws
    {
        try await withScratch { scratch in
            let jobs = (0..<6).map { JobRecord(type: $0 < 4 ? "mail" : "image", queue: "q") }
            _ = try await scratch.queue.push(jobs.map { Push($0) }, issued: nil)
            let wish = ReserveWish(["q"], limit: 6, lease: .seconds(60), worker: WorkerID("w"))
            let leases = try await scratch.queue.reserve(wish).jobs.map(\.lease)
            _ = try await scratch.queue.settle(leases.map { .fail($0, attempts: 3, error: "502") })
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            while try await mirror.step() > 0 {}
            let admin = Admin(queue: ShardedQueue(scratch.queue.store), ledger: scratch.ledger.store)
            let filter = JobFilter(type: "mail")
            let requeue = RequeueWish(.zero, actor: "test")
            var options = BulkOptions()
            let time = StandingTime()
            (options.rate, options.pace) = (20, time.pace)

            let dry = try await admin.requeueAll(matching: filter, requeue, options)
            #expect(dry.isDry && dry.matched == 4 && dry.changed == 0 && dry.before == 6 && dry.after == 6)
            let before = try await scratch.ledger.jobs(jobs.map(\.id)).values
            #expect(before.allSatisfy { $0.status == .failed && $0.version == 2 })
            options.goes = true
            let done = try await admin.requeueAll(matching: filter, requeue, options)

            // The first goes at once; three more wait for their turns.
            #expect(time.waits == Array(repeating: .milliseconds(50), count: 3))
            #expect(done.changed == 4 && done.before == 6 && done.after == 2 && done.refused.isEmpty)
            let after = try await scratch.ledger.jobs(jobs.map(\.id))
            for job in jobs {
                let row = try #require(after[job.id])
                #expect(row.status == (job.type == "mail" ? .pending : .failed))
                #expect(row.version == (job.type == "mail" ? 3 : 2))
            }
            let held = try await scratch.queue.inspect(jobs.map(\.id)).held
            #expect(held.count == 4 && held.values.allSatisfy { $0.status == .pending && $0.version == 3 })
            // What another has requeued meanwhile is a dead letter no more.
            let again = try await admin.requeueAll(matching: filter, requeue, options)
            #expect(again.matched == 0 && again.before == 2 && again.after == 2)
        }
    }
}
