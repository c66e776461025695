/// Of a ledger that lets go of dead letters when an operator says so.
public protocol LedgerPurging: Sendable {
    /// Deletes those of these jobs, each by its id and version, that are failed at that version, and whose id and end
    /// both lie before `time`; their committed effects go with them, their transitions stay. Answers which were
    /// deleted. A row that somebody holds is left.
    ///
    /// A store takes an id for a day, and a job enqueued again under a deleted one would run again: `time` must lie
    /// further back.
    ///
    /// - Crash: what is deleted is counted as purged and noted in the audit log, or nothing is deleted.
    /// - Repeat: finds none of them, and changes nothing.
    func purge(
        _ jobs: [JobID: Int], before time: Timestamp, actor: String
    ) async throws(LedgerError) -> Set<JobID>
}
