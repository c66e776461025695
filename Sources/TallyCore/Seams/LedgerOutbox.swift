/// Through which recorded jobs reach the queue: for the client that recorded them, and for the relay.
public protocol LedgerOutbox: Sendable {
    /// The queue has the jobs of these outbox rows: deletes them and counts the jobs as accepted. May be repeated.
    ///
    /// - Crash: rows that were not deleted, or that a crash of the server brings back, the relay finishes once more.
    /// - Repeat: finds no row, and counts nothing.
    func finishOutbox(_ ids: [OutboxID]) async throws(LedgerError)

    /// Claims outbox rows, queue by queue, re-reads their jobs in the same statement, hands each row to `push`, and
    /// does what it answers: the jobs that the queue took leave the outbox, those that were left stay in it, those
    /// that no push can bring to the queue are set aside: they end as failed, with the reason, and stand in
    /// quarantine. A crash in between releases the claim. A row whose jobs are all terminal is deleted without a
    /// push.
    ///
    /// - Crash: releases the claim. What was pushed is pushed again, and the queue answers that it has the job.
    /// - Repeat: claims the rows that are left.
    func relay(
        _ claim: RelayClaim, push: @Sendable (OutboxRow) async throws -> RelayVerdict
    ) async throws(LedgerError) -> RelayPass
}

extension LedgerOutbox {
    /// One row alone.
    package func finishOutbox(_ id: OutboxID) async throws(LedgerError) { try await finishOutbox([id]) }

    /// The first page of a relay's pass; `push` answers for a row as a whole.
    package func relay(
        rows: Int, olderThan age: Duration, push: @Sendable (OutboxRow) async throws -> Bool
    ) async throws(LedgerError) -> (claimed: Int, deleted: Int) {
        let pass = try await relay(RelayClaim(rows: rows, olderThan: age)) { row in
            try await push(row) ? RelayVerdict() : RelayVerdict(left: row.pushes.map(\.record.id))
        }
        return (pass.claimed, pass.deleted)
    }
}
