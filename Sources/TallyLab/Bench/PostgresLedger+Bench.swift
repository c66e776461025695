import TallyPostgres
import TallyPostgresClient
import Tallystick

extension PostgresLedger {
    /// How long a binary COPY of these rows takes into a logged, unindexed table, its commit included: the limit that
    /// the ledger's own figures are held against. The table is gone afterwards.
    func copyLimit(_ jobs: [JobSnapshot]) async throws(LedgerError) -> Duration {
        let patience: Duration = .seconds(120)
        let (make, copy, drop) = (
            LabSQL.text("bench/copy_table", for: self), LabSQL.text("bench/copy_limit", for: self),
            LabSQL.text("bench/drop_copy_table", for: self)
        )
        return try await pool.run("copy limit") { connection throws(LedgerError) in
            try connection.script(drop, within: patience)
            try connection.script(make, within: patience)
            // Encoded before the clock starts: it is Postgres' limit that is asked for.
            var pieces: [[UInt8]] = []
            try BatchRows.copy(of: jobs).forEachPiece { piece throws(LedgerError) in
                pieces.append(piece)
            }
            let began = ContinuousClock.now
            try connection.transaction { () throws(LedgerError) in
                try connection.copy(copy) { send throws(LedgerError) in
                    for piece in pieces { try send(piece) }
                }
            }
            let took = ContinuousClock.now - began
            try connection.script(drop, within: patience)
            return took
        }
    }

    /// Adds so many jobs that ended within the last hour.
    func addEndedJobs(_ count: Int, body: [UInt8]) async throws(LedgerError) {
        let sql = LabSQL.text("bench/ended_jobs", for: self)
        try await pool.run("ended jobs") { connection throws(LedgerError) in
            _ = try connection.query(sql, Parameters([.int(Int64(count)), .bytes(body)]))
        }
    }
}
