/// What a store holds of a job at one moment.
public struct JobSnapshot: Hashable, Sendable {
    public var record: JobRecord
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
    public var error: String?
    public var failedAt: Timestamp?
    /// The handler's result, in the ledger only.
    public var result: [UInt8]?
    public var workerID: WorkerID?
    public var startedAt: Timestamp?
    public var completedAt: Timestamp?
    public var updatedAt: Timestamp?
    /// The Redis history and log entry of the last transition; 0 before the first.
    public var epoch: Int64
    public var seq: Int64

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
