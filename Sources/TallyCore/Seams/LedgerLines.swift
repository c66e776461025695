/// Of a ledger that keeps what handlers log. The mirror brings the lines, in the reports of workers.
public protocol LedgerLines: Sendable {
    /// What was logged in all attempts of a job, in order, at most the last `Limits.linesRead`; empty for an id that
    /// the ledger lacks, and for a job whose lines were pruned.
    func lines(_ id: JobID) async throws(LedgerError) -> [AttemptLine]
}
