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
    /// SQL NULL of any type.
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

/// What became of a completion inside the caller's transaction. Only the commit of that makes it count.
public enum EffectAnswer: Hashable, Sendable {
    /// The effect is this transaction's, if it commits.
    case claimed
    /// Another commit was first; the result that it stored.
    case committed(result: [UInt8])
    /// The ledger knows the job as ended, or under a later lease.
    case stale
}
