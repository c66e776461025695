import TallyAdmin
import TallyCore
import TallyMemory
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

/// Of a driver that has no words of Postgres: one row is held.
private struct HeldControl: LedgerControl {
    let base: any LedgerControl
    let held: JobID

    func requeue(
        _ id: JobID, seen version: Int, runAt: Timestamp?, resetAttempts: Bool, actor: String,
        despiteEffect: Bool
    ) async throws(LedgerError) -> RequeueAnswer {
        if id == held { throw LedgerError(.transient, "requeue", "somebody holds it", isRowHeld: true) }
        return try await base.requeue(
            id, seen: version, runAt: runAt, resetAttempts: resetAttempts, actor: actor,
            despiteEffect: despiteEffect)
    }

    func recordCancel(_ id: JobID, version: Int, epoch: Int64, shard: Shard) async throws(LedgerError)
        -> RecordCancelAnswer
    {
        try await base.recordCancel(id, version: version, epoch: epoch, shard: shard)
    }
}

/// Memory stores.
@Suite struct `A dead letter whose row is held` {
    @Test func `is passed over and named, whichever driver the ledger has`() async throws {
        let s = Shards(1)
        let jobs = (0..<3).map { _ in s.record(on: 0) }
        for job in jobs { try await s.client().enqueue(job) }
        let leases = try await s.reserve(3).jobs.map(\.lease)
        _ = try await s.sharded.leasing.settle(leases.map { .fail($0, attempts: 3, error: "x") })
        try await s.mirrorAll()
        var ledger = s.ledger.store
        ledger.control = HeldControl(base: ledger.control, held: jobs[1].id)
        var options = BulkOptions()
        (options.goes, options.rate) = (true, 10_000)

        let report = try await Admin(queue: s.sharded, ledger: ledger).requeueAll(
            matching: JobFilter(), RequeueWish(.zero, actor: "test"), options)

        #expect(report.changed == 2 && report.refused == ["locked": 1] && report.after == 1, "\(report)")
        #expect(report.stop == nil)
        #expect(try await s.ledger.jobs([jobs[1].id])[jobs[1].id]?.status == .failed)
    }
}
