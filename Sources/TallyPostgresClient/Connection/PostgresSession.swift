import TallyConnections
import TallyCore

/// A transaction of `PostgresLedger.withTransaction`. Ends with its closure; used later, it throws.
public struct PostgresTransaction: LedgerTransaction {
    private let held: HeldConnection

    /// The transaction that was begun on this connection; whoever began it also ends it.
    package init(held: HeldConnection) { self.held = held }

    /// One statement of the transaction. One that the server refuses leaves only the rollback.
    public func query(_ sql: String, _ parameters: [LedgerValue] = []) async throws -> [[LedgerValue]] {
        try await held.query(sql, parameters, .none)
    }
}

/// A connection of the caller's own, outside every pool: it begins and ends transactions as the caller says. A ledger
/// that records through it never closes it; `close()` is the caller's.
public final class PostgresSession: LedgerTransaction {
    private let held = HeldConnection()

    /// Connects outside every pool; the session has a thread of its own until it is closed.
    ///
    /// - Parameter stackBytes: of its thread, as `startThread` takes it.
    /// - Throws: what the server's refusal means; no thread is left then. `.transient` where there is none for it.
    package static func open(
        _ configuration: PostgresConfiguration, statements: Statements, stackBytes: Int? = nil
    ) async throws(LedgerError) -> PostgresSession {
        let session = PostgresSession()
        let held = session.held
        do throws(ThreadNotStarted) {
            try startThread(stackBytes: stackBytes) {
                do throws(LedgerError) {
                    let connection = try PostgresConnection(configuration, statements: statements)
                    connection.operation = "session"
                    held.serve(connection, until: nil)
                    connection.close()  // an open transaction is rolled back by the server
                } catch {
                    held.finish(error)
                }
            }
        } catch {
            throw LedgerError(.transient, "session", "\(error)")
        }
        try await held.run { _ throws(LedgerError) in }
        return session
    }

    private init() {}
    deinit { held.finish(LedgerError(.closed, "session")) }

    /// One statement; outside a transaction it commits by itself.
    public func query(_ sql: String, _ parameters: [LedgerValue] = []) async throws -> [[LedgerValue]] {
        try await held.query(sql, parameters, .commits)
    }
    /// Begins a transaction, which stays open until `commit` or `rollback`, however long that takes.
    public func begin() async throws(LedgerError) {
        try await held.run { connection throws(LedgerError) in try connection.begin(idle: nil) }
    }
    /// - Throws: `.uncertain` when the answer was lost: it may have happened.
    public func commit() async throws(LedgerError) {
        try await held.run { connection throws(LedgerError) in try connection.commit() }
    }
    /// Gives up what was begun; does nothing outside a transaction. A connection that cannot do it is not used again.
    public func rollback() async throws(LedgerError) {
        try await held.run { connection throws(LedgerError) in connection.rollback() }
    }
    /// Steps that wait or come later throw `.closed`; the server rolls an open transaction back. May be repeated.
    public func close() async { held.finish(LedgerError(.closed, "session", "the session is closed")) }
}

extension HeldConnection {
    /// One statement, with the values that a `LedgerTransaction` carries.
    package func query(
        _ sql: String, _ values: [LedgerValue], _ effect: PostgresConnection.Effect
    ) async throws(LedgerError) -> [[LedgerValue]] {
        try await run { connection throws(LedgerError) in
            try connection.values(sql, values, effect)
        }
    }
}

extension PostgresConnection {
    /// One statement, with the values that a `LedgerTransaction` carries; every row is read before this returns.
    ///
    /// - Throws: `.unsupported` for a column of a type that these values lack.
    package func values(
        _ sql: String, _ values: [LedgerValue], _ effect: Effect
    ) throws(LedgerError) -> [[LedgerValue]] {
        let rows = try query(sql, Parameters(values), effect)
        var answer: [[LedgerValue]] = []
        answer.reserveCapacity(rows.count)
        for row in 0..<rows.count { answer.append(try rows.values(row)) }
        return answer
    }
}
