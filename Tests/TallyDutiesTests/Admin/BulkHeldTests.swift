import TallyAdmin
import TallyCore
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

    private func cancel(_ limit: Int, _ scratch: ScratchNamespace) async throws -> BulkReport {
        let admin = Admin(queue: ShardedQueue(scratch.queue.store), ledger: scratch.ledger.store)
        var options = BulkOptions()
        (options.goes, options.limit, options.rate) = (true, limit, 10_000)
        return try await admin.cancelWaiting(in: "q", matching: JobFilter(), options)
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
                #expect(try await scratch.queue.inspect(ids).held.count == 3)
            }
            let rest = try await cancel(10, scratch)
            #expect(rest.changed == 4 && rest.uncertain == 0 && rest.stop == nil, "\(rest)")
        }
    }

    @Test func `counts among the limit where the ledger takes none, and ends the run [D11]`() async throws {
        try await withScratch { scratch in
            let ids = try await enqueue(6, scratch)
            let events = "\"\(scratch.settings.namespace)\".job_events"
            try await holding("LOCK TABLE \(events)", scratch) {
                let report = try await cancel(3, scratch)
                #expect(report.changed == 0 && report.uncertain == 3 && report.matched == 3, "\(report)")
                #expect(report.stop != nil && report.refused.isEmpty)
                #expect(try await scratch.queue.inspect(ids).held.count == 3)
            }
        }
    }
}
