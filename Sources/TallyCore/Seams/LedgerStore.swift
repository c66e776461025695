/// What opens a ledger: it gives its seams as one value. A store value is one too, so that whoever needs a ledger
/// takes either.
public protocol LedgerDriver: Sendable {
    /// Its seams. Each use asks for them once.
    var store: LedgerStore { get }
}

/// The record as a value: one seam for each who uses it. What a driver may lack is optional here, so whoever needs it
/// sees that it can be missing. A test replaces the one seam that it disturbs.
public struct LedgerStore: Sendable, LedgerDriver {
    /// What enqueues.
    public var recording: any Recording
    /// What brings recorded jobs to the queue.
    public var outbox: any LedgerOutbox
    /// What follows the queue's log.
    public var mirror: any MirrorApplication
    /// What requeues and cancels.
    public var control: any LedgerControl
    /// What an operator asks.
    public var inspection: any LedgerInspection
    /// What the reconciler compares.
    public var reconciliation: any Reconciliation
    /// Of a ledger that records and completes inside the caller's transaction.
    public var transactions: (any LedgerTransactions)?
    /// What the reconciler asks and mends beyond the comparison; without it those sweeps are left out.
    public var repair: (any LedgerRepair)?
    /// Keeps named leases; without it nothing keeps two reconcilers apart.
    public var leases: (any LeaseRegister)?
    /// Keeps how the duties fare.
    public var duties: (any DutyRegister)?
    /// Of a ledger that knows which half keeps unique keys.
    public var keyHomes: (any LedgerKeyHomes)?
    /// Of a ledger whose history lies in monthly partitions.
    public var partitions: (any LedgerPartitions)?
    /// Of a ledger that keeps more than jobs.
    public var pruning: (any LedgerPruning)?
    /// Of a ledger that deletes dead letters where an operator asks for it.
    public var purging: (any LedgerPurging)?
    /// Of a ledger that keeps what handlers log.
    public var lines: (any LedgerLines)?
    /// Of a ledger that finds what shall run anew by a condition, and keeps what ran as what.
    public var replaying: (any LedgerReplaying)?
    /// Of a ledger that knows its queue.
    public var pairing: (any LedgerPairing)?
    /// Of a ledger that knows which record layout may be written; without it every one may.
    public var recordLayout: (any LedgerRecordLayout)?
    /// New calls fail with `.closed` from now on; running ones end first. May be repeated.
    public var close: @Sendable () async -> Void

    /// The seams of a driver that serves all that each ledger must; what it serves beyond is set afterwards.
    public init(
        _ driver: some Recording & LedgerOutbox & MirrorApplication & LedgerControl & LedgerInspection
            & Reconciliation,
        close: @escaping @Sendable () async -> Void
    ) {
        recording = driver
        outbox = driver
        mirror = driver
        control = driver
        inspection = driver
        reconciliation = driver
        self.close = close
    }

    /// Itself.
    public var store: LedgerStore { self }
}
