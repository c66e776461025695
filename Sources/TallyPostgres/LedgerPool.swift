import TallyConnections
import TallyCore

/// The pool with the seam's errors.
struct LedgerPool: Sendable {
    private let pool: ConnectionPool<PostgresConnection>

    init(_ configuration: PostgresConfiguration, statements: Statements, size: Int) {
        pool = ConnectionPool(size: size) { try PostgresConnection(configuration, statements: statements) }
    }

    /// A connection comes back without a transaction, or it does not come back: see `PostgresConnection.isUsable`.
    func run<Value: Sendable>(
        _ operation: String, _ work: @escaping @Sendable (PostgresConnection) throws(LedgerError) -> Value
    ) async throws(LedgerError) -> Value {
        do {
            return try await pool.run { connection in
                connection.operation = operation
                defer { connection.rollback() }
                return try work(connection)
            }
        } catch let error as LedgerError {
            throw error
        } catch is PoolClosed {
            throw LedgerError(.closed, operation, "the ledger is closed")
        } catch {
            throw LedgerError(.unavailable, operation, "\(error)")
        }
    }

    func close() async { await pool.close() }
}
