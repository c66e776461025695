import TallyCore

/// What `tally-lab bench` needs of a ledger of its own; nothing else calls these.
extension PostgresLedger {
    /// How long a binary COPY of these rows takes into a logged, unindexed table, its commit included: the limit that
    /// the ledger's own figures are held against. The table is gone afterwards.
    package func copyLimit(_ jobs: [JobSnapshot]) async throws(LedgerError) -> Duration {
        let patience: Duration = .seconds(120)
        return try await pool.run("copy limit") { [statements] connection throws(LedgerError) in
            try connection.script(statements[.dropCopyTable], within: patience)
            try connection.script(statements[.copyTable], within: patience)
            // Encoded before the clock starts: it is Postgres' limit that is asked for.
            var pieces: [[UInt8]] = []
            try BatchRows.copy(of: jobs).forEachPiece { piece throws(LedgerError) in
                pieces.append(piece)
            }
            let began = ContinuousClock.now
            try connection.transaction { () throws(LedgerError) in
                try connection.copy(.copyLimit) { send throws(LedgerError) in
                    for piece in pieces { try send(piece) }
                }
            }
            let took = ContinuousClock.now - began
            try connection.script(statements[.dropCopyTable], within: patience)
            return took
        }
    }

    /// Adds so many jobs that ended within the last hour.
    package func addEndedJobs(_ count: Int, body: [UInt8]) async throws(LedgerError) {
        try await pool.run("ended jobs") { connection throws(LedgerError) in
            var parameters = Parameters()
            parameters.int(Int64(count))
            parameters.bytes(body)
            _ = try connection.run(.endedJobs, parameters)
        }
    }
}
