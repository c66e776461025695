/// A run of log entries, folded: what one ledger transaction applies. Made by `MirrorBatch.init(folding:)`, pure.
public struct MirrorBatch: Sendable {
    /// The cursor must stand here.
    public var after: LogPosition
    /// And stands here afterwards.
    public var upTo: LogPosition
    /// One a transition, in log order.
    public var events: [JobEvent]
    /// Jobs that this batch creates (queued ones), in their last state.
    public var created: [JobSnapshot]
    /// Jobs that are there already: their last state in this batch.
    public var changed: [RowChange]
    public var beats: [(beat: WorkerBeat, at: Timestamp)]
    /// Moves whose bytes could not be read.
    public var unreadable: [(job: JobID, position: LogPosition, bytes: [UInt8])]
    /// Queues to which jobs with unique keys were pushed in mode queued: the queue keeps those keys. Told by pushes
    /// alone: what a repair brings may have been recorded.
    public var keyHomes: Set<QueueName> = []

    public init(after: LogPosition, upTo: LogPosition) {
        self.after = after
        self.upTo = upTo
        events = []
        created = []
        changed = []
        beats = []
        unreadable = []
    }

    public var isEmpty: Bool { after == upTo }
}

/// The last state of a job in a batch. Applied where (epoch, version, seq) is greater than the row's; a terminal row
/// yields only to a higher version; below the row's last requeue it is never applied. nil = leave as it is.
public struct RowChange: Hashable, Sendable {
    public var id: JobID
    public var epoch: Int64
    public var version: Int
    public var seq: Int64
    public var status: JobStatus
    public var at: Timestamp
    public var startedAt: Timestamp?
    public var completedAt: Timestamp?
    /// The time it waits for.
    public var scheduledAt: Timestamp?
    public var workerID: String?
    public var attempts: Int?
    public var crashes: Int?
    public var error: String?
    public var result: [UInt8]?

    public init(id: JobID, position: LogPosition, version: Int, status: JobStatus, at: Timestamp) {
        self.id = id
        epoch = position.epoch
        seq = position.seq
        self.version = version
        self.status = status
        self.at = at
    }
}
