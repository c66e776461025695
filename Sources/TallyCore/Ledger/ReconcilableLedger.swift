/// What the reconciler asks of a ledger beyond the seam. A driver may lack it: sweeps that need it are then left out,
/// and nothing keeps two reconcilers apart.
public protocol ReconcilableLedger: LedgerDriver, LeaseRegister, PairableLedger {
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

    func quarantined(limit: Int) async throws(LedgerError) -> [QuarantinedRow]
    /// Takes a row out of quarantine; the audit log keeps it.
    func settleQuarantine(_ id: Int64, actor: String) async throws(LedgerError)

    /// Calls a worker lost, if it was last seen then. False: it was heard of since.
    func loseWorker(_ worker: WorkerID, lastSeen: Timestamp, actor: String) async throws(LedgerError) -> Bool

    /// Unique keys that last until their job ends, held by a job that has ended or is not there; and those whose time
    /// is over.
    func leakedKeys(after key: LeakedKey?, limit: Int) async throws(LedgerError) -> [LeakedKey]
    func freeKey(_ key: LeakedKey, actor: String) async throws(LedgerError) -> Bool

    /// Frees keys that somebody held when their job ended, and those whose time is over: as far as nobody holds them
    /// now, and at most `limit` of each. Answers how many.
    func freeKeys(limit: Int) async throws(LedgerError) -> Int

    /// Of these jobs, which end because their effect is committed: keeps that effect's result in the row.
    func keepResults(_ ids: [JobID]) async throws(LedgerError)

    /// Where the last round was cut off; nil = nowhere.
    func sweepCursor() async throws(LedgerError) -> SweepCursor?
    /// nil: the round came to its end.
    func moveSweepCursor(_ cursor: SweepCursor?) async throws(LedgerError)

    /// When every active job of both halves was last compared.
    func lastFullRun() async throws(LedgerError) -> Timestamp?
}

/// One transition of one job.
public struct LogStep: Hashable, Sendable {
    public var job: JobID
    public var position: LogPosition
    public init(job: JobID, position: LogPosition) {
        self.job = job
        self.position = position
    }
}

public struct QuarantinedRow: Hashable, Sendable {
    public var id: Int64
    public var job: JobID
    public var position: LogPosition
    /// `unreadable`, `event`, `created`, `changed`, `beat`.
    public var source: String
    public var reason: String
    public init(id: Int64, job: JobID, position: LogPosition, source: String, reason: String) {
        self.id = id
        self.job = job
        self.position = position
        self.source = source
        self.reason = reason
    }
}

public struct LeakedKey: Hashable, Sendable {
    public var queue: String
    public var key: String
    public var job: JobID
    public init(queue: String, key: String, job: JobID) {
        self.queue = queue
        self.key = key
        self.job = job
    }
}
