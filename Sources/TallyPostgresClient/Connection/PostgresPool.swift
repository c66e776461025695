import Synchronization
import TallyConnections
import TallyCore

/// A pool of connections, with the seam's errors.
package struct PostgresPool: Sendable {
    private let pool: ConnectionPool<PostgresConnection>

    /// - Parameter waiting: how many callers may wait for one of the connections.
    /// - Parameter stackBytes: of its threads, as `startThread` takes it.
    /// - Parameter check: made on every connection until it has succeeded once; one that fails it is not used.
    package init(
        _ configuration: PostgresConfiguration, statements: Statements, size: Int,
        waiting: Int = Limits.poolCallsWaiting, stackBytes: Int? = nil,
        check: (@Sendable (PostgresConnection) throws(LedgerError) -> Void)? = nil
    ) {
        let settings = PoolSettings(
            size: size, waiting: waiting, idle: Limits.poolIdle, reopenBase: Limits.retryStoreBase,
            reopenCap: Limits.reopenCap)
        let checked = Checked()
        pool = ConnectionPool(settings, stackBytes: stackBytes) {
            let connection = try PostgresConnection(configuration, statements: statements)
            guard let check else { return connection }
            do throws(LedgerError) {
                // After a failover the address may lead to a server that takes no writes yet.
                if try connection.run(.ping).int(0, 0) == 1 {
                    throw LedgerError(.unavailable, "open", "the server is a standby and takes no writes")
                }
                if !checked.hasPassed {
                    try check(connection)
                    checked.pass()
                }
            } catch {
                connection.close()
                throw error
            }
            return connection
        }
    }

    private final class Checked: Sendable {
        private let state = Atomic(false)
        var hasPassed: Bool { state.load(ordering: .relaxed) }
        func pass() { state.store(true, ordering: .relaxed) }
    }

    /// Waits `Limits.poolWait` for a connection at most; a transaction that waits for one more of the same pool could
    /// otherwise wait for itself.
    ///
    /// A connection comes back without a transaction, or it does not come back: see `PostgresConnection.isUsable`.
    package func run<Value: Sendable>(
        _ operation: String, _ work: @escaping @Sendable (PostgresConnection) throws(LedgerError) -> Value
    ) async throws(LedgerError) -> Value {
        do {
            return try await pool.run(within: Limits.poolWait) { connection in
                connection.operation = operation
                defer { connection.rollback() }
                return try work(connection)
            }
        } catch let error as LedgerError {
            throw error
        } catch is PoolClosed {
            throw LedgerError(.closed, operation, "the ledger is closed")
        } catch let exhausted as PoolExhausted {
            throw LedgerError(
                .transient, operation,
                "all \(exhausted.connections) connections were in use for \(exhausted.waited); inside a "
                    + "transaction, enqueue in it (`enqueue(_:in:)`) instead of beside it; else raise "
                    + "poolConnections")
        } catch let full as PoolFull {
            throw LedgerError(
                .transient, operation,
                "\(full.waiting) calls already wait in this process for a connection to Postgres; repeat it once "
                    + "some of them are answered, and have fewer under way at a time, or raise poolConnections"
            )
        } catch let refused as ThreadNotStarted {
            throw LedgerError(.transient, operation, "\(refused)")
        } catch is CancellationError {
            throw LedgerError(.cancelled, operation, "cancelled while it waited for a connection")
        } catch {
            throw LedgerError(.unavailable, operation, "\(error)")
        }
    }

    /// From now on calls throw `.closed`; running and waiting ones end first. May be repeated.
    package func close() async { await pool.close() }
}
