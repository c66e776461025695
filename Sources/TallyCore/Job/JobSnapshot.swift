/// What a store holds of a job at one moment.
public struct JobSnapshot: Hashable, Sendable {
    /// What was enqueued. Where the store was asked without bodies, `body` is empty.
    public var record: JobRecord
    /// Where it stands in this store; the other one may be behind by a log entry or an outbox row.
    public var status: JobStatus
    /// +1 at every lease and every requeue; never falls. The fence.
    public var version: Int
    /// Failures so far.
    public var attempts: Int
    /// Leases that ran out.
    public var crashes: Int
    /// The time it waits for (`scheduled`, `retrying`); nil once it is runnable now.
    public var runAt: Timestamp?
    /// The lease, only while `processing`.
    public var lease: Lease?
    /// Cancellation was asked for while `processing`.
    public var cancelRequested: Bool
    /// What its last failure, reclaim or set-aside said, at most `Limits.errorBytes`; nil if it has not failed.
    public var error: String?
    /// When that happened.
    public var failedAt: Timestamp?
    /// The handler's result, in the ledger only.
    public var result: [UInt8]?
    /// The worker that leased it last, in the ledger only; it stays after the lease has ended.
    public var workerID: WorkerID?
    /// When it was leased last, in the ledger only.
    public var startedAt: Timestamp?
    /// When it became terminal, however it ended; nil exactly while it is not terminal.
    public var completedAt: Timestamp?
    /// When its last transition happened, in the ledger only, by the clock of the store that made it.
    public var updatedAt: Timestamp?
    /// The Redis history and log entry of the last transition; 0 before the first.
    public var epoch: Int64
    /// The number of that entry within `epoch`.
    public var seq: Int64

    /// A snapshot for a driver, or for a test that stands in for one; what is left out is as of a job that has never
    /// run.
    public init(
        record: JobRecord, status: JobStatus, version: Int, attempts: Int = 0, crashes: Int = 0,
        runAt: Timestamp? = nil, lease: Lease? = nil, cancelRequested: Bool = false, error: String? = nil,
        failedAt: Timestamp? = nil, result: [UInt8]? = nil, workerID: WorkerID? = nil,
        startedAt: Timestamp? = nil, completedAt: Timestamp? = nil, updatedAt: Timestamp? = nil,
        epoch: Int64 = 0, seq: Int64 = 0
    ) {
        self.record = record
        self.status = status
        self.version = version
        self.attempts = attempts
        self.crashes = crashes
        self.runAt = runAt
        self.lease = lease
        self.cancelRequested = cancelRequested
        self.error = error
        self.failedAt = failedAt
        self.result = result
        self.workerID = workerID
        self.startedAt = startedAt
        self.completedAt = completedAt
        self.updatedAt = updatedAt
        self.epoch = epoch
        self.seq = seq
    }
}
