/// What a worker can take now. The queues of a shard are asked in this order, each by its priorities.
public struct ReserveWish: Hashable, Sendable {
    /// From 1 to `Limits.queuesPerCall` queues; an earlier one is emptied before a later one is looked at.
    public var queues: [QueueName]
    /// At most so many jobs. Fewer come where fewer wait, or where their records reach `Limits.reserveBytes`.
    public var limit: Int
    /// How long each lease lasts from now, from 1 µs to a day.
    public var lease: Duration
    /// The name under which the leases stand in the log.
    public var worker: WorkerID
    /// Of queues on several shards: whether they are asked in this order all the same, by one call for neighbours of
    /// one shard. Else the shards are asked by turns, one call each.
    public var isOrdered = false
    /// A wish; what is out of range is refused by the store with `.invalid` or `.invalidLease`.
    public init(_ queues: [QueueName], limit: Int, lease: Duration = Limits.lease, worker: WorkerID) {
        self.queues = queues
        self.limit = limit
        self.lease = lease
        self.worker = worker
    }
}

/// A job that is now leased to the worker that asked, as it stood before its handler begins.
public struct ReservedJob: Hashable, Sendable {
    /// What was enqueued, its hash checked.
    public var record: JobRecord
    /// The right to run it, and the token of every report about it.
    public var lease: Lease
    /// Failures so far; the handler's attempt number is one more.
    public var attempts: Int
    /// Leases of it that have run out.
    public var crashes: Int
    /// The due time it carried: kept at the first lease, cleared by a reclaim.
    public var runAt: Timestamp?
    /// What its last failure or reclaim said; nil if it has not failed.
    public var error: String?
    /// When that happened, by the queue's clock.
    public var failedAt: Timestamp?
    /// A leased job for a driver, or for a test that stands in for one.
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
    /// In the order in which they are to be started; empty where nothing is runnable.
    public var jobs: [ReservedJob]
    /// Leased, but their bytes are damaged: to be failed, not run.
    public var corrupt: [Lease]
    /// Nothing falls due and no lease runs out before this, in the queues that were asked if nothing was handed out;
    /// nil if nothing will. Behind `Limits.eventsRead` times of other queues it is the last of those: earlier than
    /// need be, never later.
    public var nextEvent: Timestamp?
    /// How many workers share the queues' server, so that idle ones may share the asking; 0 where nobody counted.
    public var workers: Int
    /// The queue's clock as it answered; leases are counted from it.
    public var now: Timestamp
    /// The epoch hands out nothing until the reconciler opens it.
    public var isHeld: Bool
    /// Fewer jobs came than were wished for, though more wait: a bound of the call itself ended it, such as
    /// `Limits.reserveBytes`. Nobody has looked at the queues behind the last that gave anything.
    public var isCut: Bool
    /// An answer for a driver, or for a test that stands in for one.
    public init(
        jobs: [ReservedJob], corrupt: [Lease] = [], nextEvent: Timestamp?, now: Timestamp,
        isHeld: Bool = false, workers: Int = 0, isCut: Bool = false
    ) {
        self.jobs = jobs
        self.corrupt = corrupt
        self.nextEvent = nextEvent
        self.now = now
        self.isHeld = isHeld
        self.workers = workers
        self.isCut = isCut
    }
}
