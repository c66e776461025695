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
    func record(run: ReconcileRun) async throws(LedgerError)
}

extension Reconciliation {
    /// A ledger in which handlers cannot commit an effect has none.
    public func effects(_ ids: [JobID]) async throws(LedgerError) -> Set<JobID> { [] }
}

extension LedgerRepair {
    /// Of the first shard, for where there is one.
    package func sweepCursor() async throws(LedgerError) -> SweepCursor? { try await sweepCursor(of: .first) }
    package func moveSweepCursor(_ cursor: SweepCursor?) async throws(LedgerError) {
        try await moveSweepCursor(cursor, of: .first)
    }
}

/// What the reconciler asks and mends in a ledger beyond the comparison. A driver may lack it: sweeps that need it
/// are then left out.
public protocol LedgerRepair: Sendable {
    /// The jobs that a rollback of the queue can have touched, at most `limit`: events after `last` and before
    /// `epoch`, steps that the ledger made first since `time`, live rows that no log entry has reached.
    func window(after last: LogPosition, before epoch: Int64, since time: Timestamp, limit: Int)
        async throws(LedgerError) -> [JobID]
    /// Those transitions that the ledger has neither as events nor set aside.
    func unknownEvents(_ events: [LogStep]) async throws(LedgerError) -> Set<LogStep>

    /// The totals as they are kept, and as counted from the rows at the same moment: reads all history.
    func recount() async throws(LedgerError) -> (kept: Balances, counted: Balances)
    /// Counts while nobody can change the totals, and puts them right by differences. False: they were right.
    func correctBalances(actor: String) async throws(LedgerError) -> Bool

    /// Rows that were set aside, the oldest first.
    func quarantined(limit: Int) async throws(LedgerError) -> [QuarantinedRow]
    /// Takes a row out of quarantine; the audit log keeps it.
    func settleQuarantine(_ id: Int64, actor: String) async throws(LedgerError)

    /// Calls a worker lost, if it was last seen then. False: it was heard of since.
    func loseWorker(_ worker: WorkerID, lastSeen: Timestamp, actor: String) async throws(LedgerError) -> Bool

    /// Unique keys that last until their job ends, held by a job that has ended or is not there; and those whose time
    /// is over.
    func leakedKeys(after key: LeakedKey?, limit: Int) async throws(LedgerError) -> [LeakedKey]
    /// Frees it, if it is still leaked.
    func freeKey(_ key: LeakedKey, actor: String) async throws(LedgerError) -> Bool

    /// Frees keys that somebody held when their job ended, and those whose time is over: as far as nobody holds them
    /// now, and at most `limit` of each. Answers how many.
    func freeKeys(limit: Int) async throws(LedgerError) -> Int

    /// Of these jobs, which end because their effect is committed: keeps that effect's result in the row.
    func keepResults(_ ids: [JobID]) async throws(LedgerError)

    /// Where the last round of a shard was cut off; nil = nowhere.
    func sweepCursor(of shard: Shard) async throws(LedgerError) -> SweepCursor?
    /// nil: the round came to its end.
    func moveSweepCursor(_ cursor: SweepCursor?, of shard: Shard) async throws(LedgerError)

    /// When every active job of both halves was last compared; of several shards that which was so longest ago.
    func lastFullRun() async throws(LedgerError) -> Timestamp?
}
