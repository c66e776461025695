import Synchronization
import TallyCore
import TallyPostgresClient

extension PostgresLedger {
    /// Asked of the server now and then, reckoned by this machine's monotonic clock in between.
    public func clock() async throws(LedgerError) -> Timestamp {
        if let now = serverClock.now { return now }
        let micros = try await pool.run("clock") { connection throws(LedgerError) in
            try connection.run(.clock).int(0, 0) ?? 0
        }
        return serverClock.note(Timestamp(microseconds: micros))
    }
}

/// A server's clock as it was last read.
final class ServerClock: Sendable {
    private let reading = Mutex<(server: Timestamp, own: ContinuousClock.Instant)?>(nil)

    /// nil when it was never read, or too long ago.
    var now: Timestamp? {
        reading.withLock { reading in
            guard let reading else { return nil }
            let age = ContinuousClock.now - reading.own
            return age > Limits.verify ? nil : reading.server + age
        }
    }

    func note(_ server: Timestamp) -> Timestamp {
        reading.withLock { $0 = (server, .now) }
        return server
    }
}
