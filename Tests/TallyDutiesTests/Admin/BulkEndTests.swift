import TallyAdmin
import TallyCore
import TallyTesting
import Tallystick
import TestSupport
import Testing

@testable import TallyDuties
@testable import TallyPostgres

/// Memory stores, and a ledger that can fail.
@Suite struct `A change of many jobs in a task that is cancelled` {
    private func options() -> BulkOptions {
        var options = BulkOptions()
        (options.goes, options.rate) = (true, 10_000)
        return options
    }

    @Test(arguments: [FaultyLedger.Call.requeue, .balances])
    func `throws that, and tells it as no failure of the ledger`(_ call: FaultyLedger.Call) async throws {
        let s = Shards(1)
        try await s.fail(3)
        let ledger = FaultyLedger(s.ledger)
        let admin = Admin(queue: s.sharded, ledger: ledger.store)

        // The second requeue, or the count behind the last.
        ledger.inject(.refuse(.cancelled), on: call, at: 2)
        let error = await #expect(throws: LedgerError.self) {
            let wish = RequeueWish(.zero, actor: "test")
            _ = try await admin.requeueAll(matching: JobFilter(), wish, options())
        }

        #expect(error?.code == .cancelled)
        #expect(try await s.ledger.balances().failed == (call == .requeue ? 2 : 0))
    }

    @Test func `throws what the queue says of that`() async throws {
        let s = Shards(1)
        let job = s.record(on: 0)
        try await s.client().enqueue(job)
        try await s.mirrorAll()

        s.queues[0].inject(.refuse(.cancelled), on: .cancel)
        let error = await #expect(throws: QueueError.self) {
            _ = try await s.admin.cancelWaiting(in: s.name(0), matching: JobFilter(), options())
        }

        #expect(error?.code == .cancelled)
    }
}

/// Memory stores, and a ledger that can fail.
@Suite struct `A change of many jobs behind which nobody can be asked` {
    @Test func `has done all of it, and says that the count is missing`() async throws {
        let s = Shards(1)
        try await s.fail(3)
        let ledger = FaultyLedger(s.ledger)
        let admin = Admin(queue: s.sharded, ledger: ledger.store)
        var options = BulkOptions()
        (options.goes, options.rate) = (true, 10_000)

        ledger.inject(.refuse(.unavailable), on: .balances, at: 2)
        let wish = RequeueWish(.zero, actor: "test")
        let report = try await admin.requeueAll(matching: JobFilter(), wish, options)

        #expect(report.changed == 3 && report.before == 3 && report.after == nil && report.stop == nil)
        #expect(report.uncounted?.contains("unavailable") == true)
        #expect(report.json["after"] == nil && report.json["stopped"] == nil)
        #expect(report.json["more"] as? Bool == false)
    }
}

/// Both real stores, and a ledger that can fail.
@Suite struct `A requeue of many that is broken off` {
    @Test func `tells what it did until a store failed, or until it was told to stop [D9]`() async throws {
        try await withScratch { scratch in
            let jobs = (0..<6).map { _ in JobRecord(type: "mail", queue: "q") }
            _ = try await scratch.queue.push(jobs.map { Push($0) }, issued: nil)
            let wish = ReserveWish(["q"], limit: 6, lease: .seconds(60), worker: WorkerID("w"))
            let leases = try await scratch.queue.reserve(wish).jobs.map(\.lease)
            _ = try await scratch.queue.settle(leases.map { .fail($0, attempts: 1, error: "502") })
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            while try await mirror.step() > 0 {}
            let faulty = FaultyLedger(scratch.ledger)
            let admin = Admin(queue: ShardedQueue(scratch.queue.store), ledger: faulty.store)
            let requeue = RequeueWish(.zero, actor: "test")
            var options = BulkOptions()
            (options.goes, options.rate) = (true, 10_000)

            faulty.inject(.refuse(.unavailable), on: .requeue, at: 3)
            let failed = try await admin.requeueAll(matching: JobFilter(), requeue, options)
            #expect(failed.changed == 2 && failed.after == 4 && failed.uncertain == 0, "\(failed)")
            #expect(failed.stop?.text.contains("unavailable") == true)
            #expect(failed.mayHaveMore && failed.json["more"] as? Bool == true)

            options.isStopped = { faulty.count(of: .requeue) == 4 }
            let stopped = try await admin.requeueAll(matching: JobFilter(), requeue, options)
            #expect(stopped.changed == 1 && stopped.stop == .asked && stopped.after == 3, "\(stopped)")
            #expect(stopped.matched == 1 && stopped.json["more"] as? Bool == true)
        }
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
            let refused = try await admin.replay(failed, options)
            #expect(refused.stop?.text.contains("transient") == true && refused.replayed == 0, "\(refused)")
            #expect(refused.uncertain == 0 && refused.json["more"] as? Bool == true)
            #expect(try await scratch.ledger.balances().accepted == 1)
            faulty.inject(.dropReply, on: .commit)
            let lost = try await admin.replay(failed, options)
            #expect(lost.uncertain == 1 && lost.stop != nil && lost.replayed == 0, "\(lost)")
            let again = try await admin.replay(failed, options)

            #expect(again.replayed == 0 && again.refused == ["replayed_before": 1], "\(again)")
            #expect(try await scratch.ledger.balances().accepted == 2)
            let links = try await scratch.ledger.lineage(of: job.id)
            #expect(links.count == 1 && links[0].origin == job.id)
        }
    }
}
