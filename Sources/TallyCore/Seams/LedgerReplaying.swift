/// Of a ledger that finds jobs by a condition in a language of its own, and keeps which of them was enqueued anew as
/// which.
public protocol LedgerReplaying: Sendable {
    /// One page of the jobs that the condition means, by id, between two ids, neither of them included. The condition
    /// only reads, and only for `Limits.replayRead`.
    ///
    /// - Throws: `.invalid` for what is no condition, writes, or takes too long.
    func matching(
        _ condition: String, after: JobID, before: JobID, limit: Int
    ) async throws(LedgerError) -> [ReplayCandidate]

    /// How many jobs the condition means, by status; a status without one is left out.
    ///
    /// - Throws: as `matching`.
    func statuses(of condition: String) async throws(LedgerError) -> [JobStatus: Int]

    /// As what the job was replayed, and from which, the first first; at most `Limits.replayLinks`.
    func lineage(of id: JobID) async throws(LedgerError) -> [ReplayLink]

    /// Holds those of these jobs that are still as they were seen, until `transaction` ends: whoever else would
    /// replay them leaves them out. Answers which are held, without those that were replayed before, unless these
    /// are wanted.
    ///
    /// - Crash: as that of `transaction`; nothing is held any more.
    /// - Repeat: within the same transaction answers the same.
    func claimReplays(
        _ jobs: [ReplayCandidate], despiteReplays: Bool, in transaction: some LedgerTransaction
    ) async throws(LedgerError) -> Set<JobID>

    /// Notes which job is enqueued anew as which, as part of `transaction`, which also records the new ones.
    ///
    /// - Crash: as that of `transaction`: the note and the new jobs are there together, or neither.
    /// - Repeat: notes it once more; `claimReplays` keeps that from happening.
    func noteReplays(
        _ links: [ReplayLink], actor: String, in transaction: some LedgerTransaction
    ) async throws(LedgerError)
}
