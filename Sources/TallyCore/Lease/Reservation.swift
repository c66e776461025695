/// What a worker can take now. Queues are asked in this order, each by its priorities.
public struct ReserveWish: Hashable, Sendable {
    public var queues: [QueueName]
    public var limit: Int
    public var lease: Duration
    public var worker: WorkerID
    public init(_ queues: [QueueName], limit: Int, lease: Duration = Limits.lease, worker: WorkerID) {
        self.queues = queues
        self.limit = limit
        self.lease = lease
        self.worker = worker
    }
}

/// A job that is now leased to the worker that asked, as it stood before its handler begins.
public struct ReservedJob: Hashable, Sendable {
    public var record: JobRecord
    public var lease: Lease
    /// Failures so far; the handler's attempt number is one more.
    public var attempts: Int
    public var crashes: Int
    /// The due time it carried: kept at the first lease, cleared by a reclaim.
    public var runAt: Timestamp?
    public var error: String?
    public var failedAt: Timestamp?
    public init(
        record: JobRecord, lease: Lease, attempts: Int = 0, crashes: Int = 0, runAt: Timestamp? = nil,
        error: String? = nil, failedAt: Timestamp? = nil
    ) {
        self.record = record
        self.lease = lease
        self.attempts = attempts
        self.crashes = crashes
        self.runAt = runAt
        self.error = error
        self.failedAt = failedAt
    }
}

/// What one reserve handed out. An answer that was lost leaves leases that nobody works on: they run out.
public struct Reservation: Hashable, Sendable {
    public var jobs: [ReservedJob]
    /// Leased, but their bytes are damaged: to be failed, not run.
    public var corrupt: [Lease]
    /// Nothing falls due and no lease runs out before this, in the queues that were asked if nothing was handed out;
    /// nil if nothing will. Behind `Limits.eventsRead` times of other queues it is the last of those: earlier than
    /// need be, never later.
    public var nextEvent: Timestamp?
    /// How many workers share the queues' server, so that idle ones may share the asking; 0 where nobody counted.
    public var workers: Int
    public var now: Timestamp
    /// The epoch hands out nothing until the reconciler opens it.
    public var isHeld: Bool
    public init(
        jobs: [ReservedJob], corrupt: [Lease] = [], nextEvent: Timestamp?, now: Timestamp,
        isHeld: Bool = false, workers: Int = 0
    ) {
        self.jobs = jobs
        self.corrupt = corrupt
        self.nextEvent = nextEvent
        self.now = now
        self.isHeld = isHeld
        self.workers = workers
    }
}
