/// Where the queue's log stands, by the queue's own clock.
public struct QueueHistory: Hashable, Sendable {
    /// The history that the queue is in.
    public var epoch: Int64
    /// The last log entry written.
    public var seq: Int64
    /// Nothing is leased, because the halves have not been compared since this epoch began.
    public var isHeld: Bool
    /// The queue's clock in the moment of the answer.
    public var now: Timestamp
    /// Entries that the log still keeps.
    public var logLength: Int
    /// Whose log it is.
    public let shard: Shard
    /// A history for a driver, or for a test that stands in for one.
    public init(
        shard: Shard = .first, epoch: Int64, seq: Int64, isHeld: Bool, now: Timestamp, logLength: Int
    ) {
        self.shard = shard
        self.epoch = epoch
        self.seq = seq
        self.isHeld = isHeld
        self.now = now
        self.logLength = logLength
    }
    /// How long until the epoch opens by itself; nil where it is open. An epoch's number is the millisecond that it
    /// began in, or, after a clock that went back, a later one.
    public var opensIn: Duration? {
        if !isHeld { return nil }
        let passed = now - Timestamp(microseconds: epoch * 1000)
        return max(.zero, min(Limits.hold, Limits.hold - passed))
    }
    /// The last entry of the log: what a comparison waits for the ledger to have.
    public var end: LogPosition { LogPosition(shard: shard, epoch: epoch, seq: seq) }
}

/// What `inspect` saw, and the log end that it was read at, in one step.
public struct QueueView: Sendable {
    /// How a job ended that the queue remembers, or how one stands whose record is damaged.
    public struct Ended: Hashable, Sendable {
        /// The status.
        public var status: JobStatus
        /// The version of that step.
        public var version: Int
        /// An end, for a driver or for a test that stands in for one.
        public init(status: JobStatus, version: Int) {
            self.status = status
            self.version = version
        }
    }
    /// What of the records' bodies a look reads and answers.
    public enum Bodies: Sendable {
        /// Neither read nor answered: they are empty, and damage within them does not show.
        case omitted
        /// Read and held against their hashes, a few at a time, and not answered.
        case checked
        /// Read, held against their hashes, and answered.
        case included
    }
    /// Held jobs by id. Their `error`, `lease` and counters are filled in.
    public var held: [JobID: JobSnapshot]
    /// Jobs that ended a short while ago, by id. After a minute or more the queue remembers nothing of them.
    public var ended: [JobID: Ended]
    /// Held, but the bytes of their records are not what was enqueued: status and version only.
    public var damaged: [JobID: Ended] = [:]
    /// Where the log stood when the jobs were read: what is older is in the ledger once that has this much.
    public var history: QueueHistory
    /// A view for a driver, or for a test that stands in for one; nothing in it is damaged.
    public init(held: [JobID: JobSnapshot], ended: [JobID: Ended], history: QueueHistory) {
        self.held = held
        self.ended = ended
        self.history = history
    }
}

/// How many jobs of a queue stand where, now.
public struct QueueCounts: Hashable, Sendable, Codable {
    /// The queue that is counted.
    public var queue: QueueName
    /// Jobs that are runnable now.
    public var pending: Int
    /// Scheduled and retrying jobs whose time is still to come.
    public var waiting: Int
    /// Scheduled and retrying jobs whose time has come and that nobody has promoted yet.
    public var due: Int
    /// Jobs that are leased.
    public var processing: Int
    /// Of those processing, leases that have run out and are not yet reclaimed.
    public var expired: Int
    /// It hands out no leases until somebody resumes it.
    public var isPaused: Bool
    /// Counts for a driver, or for a test that stands in for one.
    public init(
        queue: QueueName, pending: Int = 0, waiting: Int = 0, due: Int = 0, processing: Int = 0,
        expired: Int = 0,
        isPaused: Bool = false
    ) {
        self.queue = queue
        self.pending = pending
        self.waiting = waiting
        self.due = due
        self.processing = processing
        self.expired = expired
        self.isPaused = isPaused
    }
}
