/// Totals since the ledger began. `accepted` = active + completed + failed + cancelled + purged.
public struct Balances: Hashable, Sendable {
    /// Distinct jobs ever created, those still in the outbox included.
    public var accepted: Int
    /// Jobs that have completed.
    public var completed: Int
    /// Jobs in the dead-letter set now; a requeue takes its job out of this number.
    public var failed: Int
    /// Jobs that were cancelled.
    public var cancelled: Int
    /// Ended jobs whose rows were deleted, by a hand or because they were pruned; the column is called so. They count
    /// in no other total but `accepted`.
    public var purged: Int
    /// Non-terminal rows, counted.
    public var active: Int
    /// Rows in quarantine, which are no jobs and stand in no sum.
    public var quarantined: Int
    /// Jobs whose push has not been confirmed yet.
    public var outbox: Int
    /// How long the oldest of them has waited, by the ledger's clock.
    public var outboxAge: Duration
    /// The totals of one moment; `outbox` jobs are among `accepted` and `active` already.
    public init(
        accepted: Int, completed: Int, failed: Int, cancelled: Int, purged: Int, active: Int,
        quarantined: Int,
        outbox: Int = 0, outboxAge: Duration = .zero
    ) {
        self.accepted = accepted
        self.completed = completed
        self.failed = failed
        self.cancelled = cancelled
        self.purged = purged
        self.active = active
        self.quarantined = quarantined
        self.outbox = outbox
        self.outboxAge = outboxAge
    }
}
