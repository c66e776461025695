/// Where the queue's log stands, by the queue's own clock.
public struct QueueHistory: Hashable, Sendable {
    public var epoch: Int64
    /// The last log entry written.
    public var seq: Int64
    public var isHeld: Bool
    public var now: Timestamp
    /// Entries that the log still keeps.
    public var logLength: Int
    public init(epoch: Int64, seq: Int64, isHeld: Bool, now: Timestamp, logLength: Int) {
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
    public var end: LogPosition { LogPosition(epoch: epoch, seq: seq) }
}

/// What `inspect` saw, and the log end that it was read at, in one step.
public struct QueueView: Sendable {
    public struct Ended: Hashable, Sendable {
        public var status: JobStatus
        public var version: Int
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
        case included
    }
    /// Held jobs by id. Their `error`, `lease` and counters are filled in.
    public var held: [JobID: JobSnapshot]
    public var ended: [JobID: Ended]
    /// Held, but the bytes of their records are not what was enqueued: status and version only.
    public var damaged: [JobID: Ended] = [:]
    public var history: QueueHistory
    public init(held: [JobID: JobSnapshot], ended: [JobID: Ended], history: QueueHistory) {
        self.held = held
        self.ended = ended
        self.history = history
    }
}

/// How many jobs of a queue stand where, now.
public struct QueueCounts: Hashable, Sendable, Codable {
    public var queue: QueueName
    public var pending: Int
    /// Scheduled and retrying whose time is still to come, and those already due.
    public var waiting: Int
    public var due: Int
    public var processing: Int
    /// Of those processing, leases that have run out and are not yet reclaimed.
    public var expired: Int
    public var isPaused: Bool
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
