import TallyCore
import TallyPostgresClient

/// The record in Postgres. Safe to use from any number of tasks; every call has a deadline.
public final class PostgresLedger: LedgerDriver, Recording, LedgerOutbox, MirrorApplication, LedgerControl,
    LedgerInspection, Reconciliation, LedgerTransactions
{
    /// What it was opened with.
    public let configuration: PostgresConfiguration
    let statements: Statements
    /// Its connections, for statements beside the seams.
    package let pool: PostgresPool
    let serverClock = ServerClock()
    /// Set once the newest record layout of this program may be recorded.
    let raised = Latch()
    let linesLeftOut = LinesLeftOut()

    /// Connects once, checks the schema, and keeps nothing running when either fails.
    ///
    /// - Parameter absent: called when the server cannot be reached; the ledger is opened all the same, and its
    ///   schema is checked once a connection comes about.
    /// - Throws: `.unavailable` for a server that cannot be reached, within the connect timeout of each of its hosts;
    ///   `.denied` for one that refuses the login; `.schema` when the schema is missing, older or newer than this
    ///   program, with the command that mends it.
    public static func open(
        _ configuration: PostgresConfiguration, absent: ((LedgerError) -> Void)? = nil
    ) async throws(LedgerError) -> PostgresLedger {
        let ledger = PostgresLedger(configuration)
        do {
            try await ledger.pool.run("open") { _ throws(LedgerError) in }
        } catch {
            if error.mayRetry, let absent {
                absent(error)
                return ledger
            }
            await ledger.close()
            throw error
        }
        return ledger
    }

    /// - Parameter isChecked: false beside a migration, and for a test, which stands for a program that opened before
    ///   there were checks.
    init(_ configuration: PostgresConfiguration, isChecked: Bool = true) {
        self.configuration = configuration
        statements = Statements(schema: configuration.schema)
        let schema = configuration.schema
        pool = PostgresPool(configuration, statements: statements, size: configuration.poolConnections) {
            connection throws(LedgerError) in
            if !isChecked { return }
            try connection.checkDatabase()
            try Migrator.check(connection, set: .embedded(), schema: schema)
        }
    }

    /// Its seams, all of them.
    public var store: LedgerStore {
        var store = LedgerStore(self) { await self.close() }
        store.transactions = self
        store.repair = self
        store.leases = self
        store.duties = self
        store.partitions = self
        store.pruning = self
        store.purging = self
        store.lines = self
        store.replaying = self
        store.pairing = self
        store.keyHomes = self
        store.recordLayout = self
        return store
    }

    /// From now on calls throw `.closed`; running ones end first, and then the connections are gone. May be repeated.
    public func close() async { await pool.close() }

    /// Makes the schema's monthly partitions ahead; answers how many were made. Repeat it daily: a month without one
    /// is served by the DEFAULT partition, correct but slower to prune. Needs the owner's role.
    @discardableResult
    public func makePartitions(months: Int = 3) async throws(LedgerError) -> Int {
        try await pool.run("make partitions") { connection throws(LedgerError) in
            var parameters = Parameters()
            parameters.int(Int64(months))
            return Int(try connection.run(.makePartitions, parameters, .commits).int(0, 0) ?? 0)
        }
    }

    /// Runs `body` in a transaction on one of the pool's connections: committed when it returns, rolled back when it
    /// throws or takes longer than `transactionTimeout`.
    ///
    /// - Throws: what `body` throws, or `LedgerError`; `.uncertain` when the answer to the commit was lost.
    public func withTransaction<Value: Sendable>(
        _ body: (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        try await holding("transaction") { held in
            let idle = configuration.transactionTimeout
            try await held.run { connection throws(LedgerError) in try connection.begin(idle: idle) }
            let value = try await body(PostgresTransaction(held: held))
            try await held.run { connection throws(LedgerError) in try connection.commit() }
            return value
        }
    }

    /// One connection for the length of `body`, and no longer than `transactionTimeout`. What it left uncommitted is
    /// rolled back before this returns.
    func holding<Value: Sendable>(
        _ operation: String, _ body: (HeldConnection) async throws -> Value
    ) async throws -> Value {
        let held = HeldConnection()
        async let served: Void = serve(held, operation)
        do {
            let value = try await body(held)
            held.finish(LedgerError(.closed, operation, "the transaction has ended"))
            await served
            return value
        } catch {
            held.finish(LedgerError(.closed, operation, "the transaction has ended"))
            await served
            throw error
        }
    }

    private func serve(_ held: HeldConnection, _ operation: String) async {
        let time = configuration.transactionTimeout
        do throws(LedgerError) {
            try await pool.run(operation) { connection throws(LedgerError) in
                held.serve(connection, until: Deadline(after: time))
            }
        } catch {
            held.finish(error)  // no connection: the caller's steps throw why
        }
    }
}
