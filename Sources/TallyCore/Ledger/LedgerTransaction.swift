/// A database transaction that belongs to the caller: SQL and parameters in, rows out. Through it jobs are recorded
/// together with the caller's own rows: both are there after its commit, neither after a rollback or a crash before
/// it.
///
/// Conform any Postgres client's transaction to it. The ledger runs its statements, and never begins, commits or
/// closes.
public protocol LedgerTransaction: Sendable {
    /// Runs one statement with `$1…` bound in order and answers its rows.
    func query(_ sql: String, _ parameters: [LedgerValue]) async throws -> [[LedgerValue]]
}

/// What crosses that border, kept small so that a conformance is short.
public enum LedgerValue: Hashable, Sendable {
    case null
    /// `bigint`
    case int(Int64)
    /// `text`
    case text(String)
    /// `bytea`
    case bytes([UInt8])
    /// `uuid`
    case id(JobID)
    /// `bigint[]`
    case ints([Int64])
    /// `text[]`
    case texts([String])
    /// `bytea[]`
    case blobs([[UInt8]])
    /// `uuid[]`
    case ids([JobID])
}

/// A ledger that can record jobs inside the caller's own transaction.
public protocol TransactionalLedger: LedgerDriver {
    /// Runs `body` in a transaction of this ledger: committed when it returns, rolled back when it throws. It ends
    /// with `body`; used later, it throws.
    ///
    /// - Throws: what `body` throws, or `LedgerError`; `.uncertain` when the answer to the commit was lost,
    ///   `.transient` when a step of it had failed before, even if `body` caught that.
    func transaction<Value: Sendable>(
        _ body: (any LedgerTransaction) async throws -> Value
    ) async throws -> Value

    /// `record`, as part of `transaction`: nothing is visible, and nothing is pushed, before that commits. The relay
    /// then takes the jobs to the queue; or the caller pushes them and finishes the receipt's outbox row.
    ///
    /// - Throws: what the transaction threw, as a `LedgerError`; the caller's transaction is then to be rolled back.
    func record(_ jobs: [JobRecord], in transaction: some LedgerTransaction) async throws(LedgerError)
        -> RecordReceipt

    /// Marks the effect of `lease` as done, as part of `transaction`. Once that commits, the job counts as completed:
    /// whoever is handed it later, and the reconciler, only report so.
    ///
    /// A concurrent attempt that claimed first makes this one wait for its commit or rollback.
    ///
    /// - Throws: what the transaction threw, as a `LedgerError`; the caller's transaction is then to be rolled back.
    func complete(_ lease: Lease, result: [UInt8], in transaction: some LedgerTransaction)
        async throws(LedgerError) -> EffectAnswer

    /// The result stored with the job's committed effect, empty if none was; nil if no effect is committed.
    func committedEffect(of job: JobID) async throws(LedgerError) -> [UInt8]?
}

public enum EffectAnswer: Hashable, Sendable {
    /// The effect is this transaction's, if it commits.
    case claimed
    /// Another commit was first; the result that it stored.
    case committed(result: [UInt8])
    /// The ledger knows the job as ended, or under a later lease.
    case stale
}
