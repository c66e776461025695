import TallyAdmin
import TallyCore
import TallyTesting
import Tallystick
import TestSupport
import Testing

@testable import TallyDuties
@testable import TallyPostgres

/// Both real stores.
@Suite struct `What is uncertain of a cancellation of many` {
    /// Jobs of queue `q` that wait, in both stores.
    private func enqueue(_ count: Int, _ scratch: ScratchNamespace) async throws -> [JobID] {
        let jobs = (0..<count).map { _ in JobRecord(type: "t", queue: "q") }
        _ = try await scratch.queue.push(jobs.map { Push($0) }, issued: nil)
        let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
        while try await mirror.step() > 0 {}
        return jobs.map(\.id)
    }

    private func cancel(
        _ limit: Int, _ scratch: ScratchNamespace, rate: Int = 10_000
    ) async throws -> BulkReport {
        let admin = Admin(queue: ShardedQueue(scratch.queue.store), ledger: scratch.ledger.store)
        var options = BulkOptions()
        (options.goes, options.limit, options.rate) = (true, limit, rate)
        options.pace = StandingTime().pace
        return try await admin.cancelWaiting(in: "q", matching: JobFilter(), options)
    }

    @Test func `counts among the limit where somebody holds a row, and others are not held up [D11]`()
        async throws
    {
        try await withScratch { scratch in
            let ids = try await enqueue(6, scratch)
            let jobs = "\"\(scratch.settings.namespace)\".jobs"
            try await holding("SELECT id FROM \(jobs) WHERE id = '\(ids[0])' FOR UPDATE", scratch) {
                let one = try await cancel(1, scratch)
                #expect(one.changed == 0 && one.uncertain == 1 && one.refused.isEmpty && one.isCut)
                #expect(try await scratch.queue.inspect(ids).held.count == 5)

                let three = try await cancel(3, scratch)
                #expect(three.changed == 2 && three.uncertain == 1 && three.stop == nil, "\(three)")
                #expect(three.doubts.count == 1 && three.doubts.first?.value == 1)
                #expect(three.doubts.first?.key.contains(LedgerError.rowHeld) == true, "\(three)")
                #expect(three.json["doubts"] as? [String: Int] == three.doubts)
                #expect(try await scratch.queue.inspect(ids).held.count == 3)
            }
            let rest = try await cancel(10, scratch)
            #expect(rest.changed == 4 && rest.uncertain == 0 && rest.stop == nil, "\(rest)")
        }
    }

    @Test func `holds up no others where many rows are held, and ends no run [D11]`() async throws {
        try await withScratch { scratch in
            let ids = try await enqueue(9, scratch)
            let jobs = "\"\(scratch.settings.namespace)\".jobs"
            let held = ids.prefix(7).map { "'\($0)'" }.joined(separator: ", ")
            try await holding("SELECT id FROM \(jobs) WHERE id IN (\(held)) FOR UPDATE", scratch) {
                let report = try await cancel(9, scratch)
                #expect(report.changed == 2 && report.uncertain == 7 && report.stop == nil, "\(report)")
                #expect(report.doubts.values.reduce(0, +) == 7, "\(report)")
            }
            let rest = try await cancel(9, scratch)
            #expect(rest.changed == 7 && rest.uncertain == 0 && rest.stop == nil, "\(rest)")
        }
    }

    /// Rows that are held one by one, and not in a row, are no held table: each is waited for.
    @Test func `is what a run that was stopped has not told the ledger yet, and it waits for no more [D11]`()
        async throws
    {
        try await withScratch { scratch in
            let ids = try await enqueue(6, scratch)
            let ledger = FaultyLedger(scratch.ledger)
            let admin = Admin(queue: ShardedQueue(scratch.queue.store), ledger: ledger.store)
            var options = BulkOptions()
            (options.goes, options.rate) = (true, 10_000)
            options.isStopped = { ledger.count(of: .recordCancel) > 0 }
            options.pace = StandingTime().pace
            let jobs = "\"\(scratch.settings.namespace)\".jobs"
            let held = [0, 2, 4].map { "'\(ids[$0])'" }.joined(separator: ", ")
            try await holding("SELECT id FROM \(jobs) WHERE id IN (\(held)) FOR UPDATE", scratch) {
                let report = try await admin.cancelWaiting(in: "q", matching: JobFilter(), options)

                #expect(ledger.count(of: .recordCancel) == 1)
                #expect(report.changed == 0 && report.uncertain == 6 && report.stop == .asked, "\(report)")
                #expect(report.refused.isEmpty && report.doubts.values.reduce(0, +) == 1, "\(report)")
            }
            // What Redis has cancelled by then the next run tells the ledger.
            let rest = try await cancel(10, scratch)
            #expect(rest.changed == 6 && rest.uncertain == 0 && rest.stop == nil, "\(rest)")
        }
    }

    @Test func `counts among the limit where the ledger takes none, and ends the run [D11]`() async throws {
        try await withScratch { scratch in
            let limit = Limits.bulkHeld + 2
            let ids = try await enqueue(limit + 2, scratch)
            let events = "\"\(scratch.settings.namespace)\".job_events"
            try await holding("LOCK TABLE \(events)", scratch) {
                // The first group might be held rows alone; the next one ends it.
                let report = try await cancel(limit, scratch, rate: Limits.bulkHeld)
                #expect(report.changed == 0 && report.uncertain == limit, "\(report)")
                #expect(report.matched == limit && report.stop != nil && report.refused.isEmpty)
                #expect(try await scratch.queue.inspect(ids).held.count == 2)
            }
        }
    }

    @Test func `is nothing of a requeue, which leaves held rows, and ends where it is the table [D9]`()
        async throws
    {
        try await withScratch { scratch in
            let count = Limits.bulkHeld + 2
            _ = try await enqueue(count, scratch)
            let wish = ReserveWish(["q"], limit: count, lease: .seconds(60), worker: WorkerID("w"))
            let leases = try await scratch.queue.reserve(wish).jobs.map(\.lease)
            _ = try await scratch.queue.settle(leases.map { .fail($0, attempts: 3, error: "502") })
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            while try await mirror.step() > 0 {}
            let admin = Admin(queue: ShardedQueue(scratch.queue.store), ledger: scratch.ledger.store)
            var options = BulkOptions()
            (options.goes, options.rate) = (true, 10_000)
            let requeue = RequeueWish(.zero, actor: "test")

            try await holding("LOCK TABLE \"\(scratch.settings.namespace)\".job_events", scratch) {
                let report = try await admin.requeueAll(matching: JobFilter(), requeue, options)
                #expect(report.changed == 0 && report.uncertain == 0 && report.stop != nil, "\(report)")
                #expect(report.refused == [BulkReport.locked: Limits.bulkHeld])
                #expect(report.matched == Limits.bulkHeld + 1 && report.held.count == Limits.bulkHeld)
            }
            let rest = try await admin.requeueAll(matching: JobFilter(), requeue, options)
            #expect(rest.changed == count && rest.stop == nil, "\(rest)")
        }
    }

    /// While a second session has run this in a transaction that it keeps open.
    private func holding(
        _ sql: String, _ scratch: ScratchNamespace, _ body: () async throws -> Void
    ) async throws {
        let session = try await PostgresSession.open(scratch.ledger.configuration)
        try await session.begin()
        _ = try await session.query(sql)
        try await body()
        try await session.rollback()
        await session.close()
    }
}
