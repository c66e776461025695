import TallyCore
import TallyPostgresClient

extension PostgresLedger {
    public func transaction<Value: Sendable>(
        _ body: (any LedgerTransaction) async throws -> Value
    ) async throws -> Value {
        try await withTransaction { (transaction: PostgresTransaction) in try await body(transaction) }
    }
}
