import TallyCore

/// What stands in for an application's own tables in a `MemoryLedger`: values by a key of the test's choice.
public typealias MemoryRows = [String: [LedgerValue]]

/// What one statement of a handler does to the rows, and what it answers.
public typealias MemoryQuery =
    @Sendable (_ sql: String, _ parameters: [LedgerValue], _ rows: inout MemoryRows) throws -> [[LedgerValue]]

/// A transaction of `MemoryLedger.withTransaction`. Its jobs, its effect and its rows are there together after its
/// commit, and none of them after a rollback. Used after its end, it throws.
public struct MemoryTransaction: LedgerTransaction {
    let ledger: MemoryLedger
    let id: Int

    /// Asks the ledger's `query` closure. From its first statement on a transaction has all rows for itself: another
    /// one's statement waits for its end.
    ///
    /// - Throws: what the closure throws, after which the transaction can only be rolled back; `LedgerError`
    ///   `.unsupported` without a closure.
    public func query(_ sql: String, _ parameters: [LedgerValue] = []) async throws -> [[LedgerValue]] {
        try await ledger.query(sql, parameters, in: id)
    }
}
