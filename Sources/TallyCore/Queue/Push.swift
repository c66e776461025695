/// A job on its way into the queue. The same id and version twice is one job: a lost reply may be asked again.
public struct Push: Hashable, Sendable {
    /// What the queue keeps of the job until it ends.
    public var record: JobRecord
    /// 1 for a new job, higher for a requeue.
    public var version: Int
    /// Whether the ledger already has the record; if not, the log carries it.
    public var isRecorded: Bool
    /// The due time that counts; a requeue may differ from the record's.
    public var runAt: Timestamp?
    /// Failures that it brings along; a requeue may have cleared the record's.
    public var attempts: Int
    /// It was leased once, or somebody requeued it: then it goes on, also after the time before which it had to
    /// begin. A change gives a later version to a job that has not begun.
    public var hasBegun: Bool

    /// The push of a new job, at version 1.
    public init(_ record: JobRecord, isRecorded: Bool = false) {
        self.record = record
        self.isRecorded = isRecorded
        version = 1
        runAt = record.runAt
        attempts = record.attempts
        hasBegun = false
    }

    /// The push of a job that the ledger has, at the version that its row or its outbox row names.
    ///
    /// - Parameter hasBegun: counts only above version 1, at which no job has.
    public init(
        _ record: JobRecord, version: Int, runAt: Timestamp?, attempts: Int, hasBegun: Bool = true
    ) {
        self.record = record
        self.version = version
        self.runAt = runAt
        self.attempts = attempts
        self.hasBegun = hasBegun && version > 1
        isRecorded = true
    }
}

extension [Push] {
    /// In the order given, as many calls of `push` as they need.
    package func calls() -> [[Push]] {
        pages(of: Limits.jobsPerCall, bytes: Limits.bodyBytesPerCall) { $0.record.body.count }
    }
}

/// When and in which epoch a push was decided, by the clock of the shard that it goes to. Another shard refuses it.
public struct Issued: Hashable, Sendable {
    /// Where it was decided, and where it counts.
    public let shard: Shard
    /// The queue's epoch then; 0 = it was held, and nothing can be pushed.
    public let epoch: Int64
    /// The queue's clock then.
    public let at: Timestamp
    /// A stamp as `Enqueueing.stamp()` gives it; one that is made up is refused when it is too old.
    public init(shard: Shard = .first, epoch: Int64, at: Timestamp) {
        self.shard = shard
        self.epoch = epoch
        self.at = at
    }
}

/// What became of one push, in the order of the call.
public enum PushAnswer: Hashable, Sendable {
    /// The queue holds it now.
    case pushed
    /// Held already at this version or a later one. `same`: with the same record.
    case exists(same: Bool)
    /// The unique key is taken by this job; nothing was written.
    case duplicate(of: JobID)
    /// Ended already at this version or a later one.
    case ended(JobStatus)
    /// The queue is over its window; try again as it drains.
    case full
    /// Another queued job of the call was refused: none of them went in.
    case withheld
    /// The ledger keeps the unique keys of its queue: with a key it can only be recorded.
    case keysElsewhere
    /// Its record needs a layout that not every program of this queue is known to read: `QueueRecordLayout`.
    case layoutNotRaised
    /// `issued` is too old, of another epoch, or of another shard.
    case refused
}
