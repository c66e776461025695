import TallyCore
import TallyPostgresClient

extension PostgresLedger {
    /// On one of the pool's connections, which is waited for `Limits.poolWait` at most; also rolled back
    /// where `body` takes longer than the configuration's `transactionTimeout`, 30 s unless it is set. A
    /// crash before the commit leaves nothing.
    public func transaction<Value: Sendable>(
        _ body: (any LedgerTransaction) async throws -> Value
    ) async throws -> Value {
        try await withTransaction { (transaction: PostgresTransaction) in try await body(transaction) }
    }
}
