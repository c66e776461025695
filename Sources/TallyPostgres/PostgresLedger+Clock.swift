import TallyCore
import TallyPostgresClient

extension PostgresLedger {
    /// Asked of the server now and then, reckoned by this machine's monotonic clock in between.
    public func clock() async throws(LedgerError) -> Timestamp {
        if let now = serverClock.now { return now }
        return try await serverClock.ask { [pool] () throws(LedgerError) in
            let micros = try await pool.run("clock") { connection throws(LedgerError) in
                try connection.run(.clock).int(0, 0) ?? 0
            }
            return Timestamp(microseconds: micros)
        }
    }
}
