/// Of a ledger that keeps what handlers log. The mirror brings the lines, in the reports of workers.
public protocol LedgerLines: Sendable {
    /// What was logged in all attempts of a job, in order, at most the last `Limits.jobLines`; empty for an id that
    /// the ledger lacks, and for a job whose lines were pruned.
    func lines(_ id: JobID) async throws(LedgerError) -> [AttemptLine]

    /// Why lines that the mirror brought were left out since somebody asked last; nil = none were. A ledger that may
    /// not keep lines applies all else of a batch.
    ///
    /// - Crash: forgets it; the next batch that brings lines tells anew.
    /// - Repeat: answers nil until more are left out.
    func takeReasonLeftOut() -> LedgerError?
}

extension LedgerLines {
    /// nil: all are kept.
    public func takeReasonLeftOut() -> LedgerError? { nil }
}
