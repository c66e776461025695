/// Totals since the ledger began. `accepted` = active + completed + failed + cancelled + purged.
public struct Balances: Hashable, Sendable {
    /// Distinct jobs ever created, those still in the outbox included.
    public var accepted: Int
    public var completed: Int
    public var failed: Int
    public var cancelled: Int
    public var purged: Int
    /// Non-terminal rows, counted.
    public var active: Int
    public var quarantined: Int
    /// Jobs whose push has not been confirmed yet.
    public var outbox: Int
    /// How long the oldest of them has waited, by the ledger's clock.
    public var outboxAge: Duration
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
