/// What the reconciler compares, and where it keeps its runs.
public protocol Reconciliation: Sendable {
    /// Non-terminal rows in id order after `id`, with whether an outbox row still carries them.
    func active(after id: JobID, limit: Int) async throws(LedgerError) -> [LedgerView]
    /// The same view of given ids; absent rows are absent.
    func views(_ ids: [JobID]) async throws(LedgerError) -> [JobID: LedgerView]

    /// Which of the jobs have their effect committed, by a handler and in the transaction of that effect. Asked
    /// before anything is run again, or ended otherwise than by its own ack: such a job ends as completed.
    func effects(_ ids: [JobID]) async throws(LedgerError) -> Set<JobID>

    /// Writes a run of the reconciler, or what has become of it since it was written. May be repeated.
    ///
    /// - Crash: the run is written with its findings, or as it was written before.
    /// - Repeat: changes nothing.
    func record(run: ReconcileRun) async throws(LedgerError)
}

extension Reconciliation {
    /// A ledger in which handlers cannot commit an effect has none.
    public func effects(_ ids: [JobID]) async throws(LedgerError) -> Set<JobID> { [] }
}
