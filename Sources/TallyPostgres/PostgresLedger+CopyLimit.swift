import TallyCore

extension PostgresLedger {
    /// How long a binary COPY of these rows takes into a logged, unindexed table, its commit included: the limit that
    /// the ledger's own figures are held against. The table is gone afterwards.
    package func copyLimit(_ jobs: [JobSnapshot]) async throws(LedgerError) -> Duration {
        let patience: Duration = .seconds(120)
        return try await pool.run("copy limit") { [statements] connection throws(LedgerError) in
            try connection.script(statements[.dropCopyTable], within: patience)
            try connection.script(statements[.copyTable], within: patience)
            let rows = BatchRows.copy(of: jobs.map(CreatedRow.init))
            let began = ContinuousClock.now
            try connection.transaction { () throws(LedgerError) in try connection.copy(.copyLimit, rows) }
            let took = ContinuousClock.now - began
            try connection.script(statements[.dropCopyTable], within: patience)
            return took
        }
    }
}
