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
    /// What workers reported, in log order, each with the time and the place of its entry.
    public var beats: [(beat: WorkerBeat, at: Timestamp, position: LogPosition)]
    /// Moves whose bytes could not be read.
    public var unreadable: [(job: JobID, position: LogPosition, bytes: [UInt8])]
    /// Queues to which jobs with unique keys were pushed in mode queued: the queue keeps those keys. Told by pushes
    /// alone: what a repair brings may have been recorded.
    public var keyHomes: Set<QueueName> = []

    /// Whose log it is.
    public var shard: Shard { after.shard }

    /// A batch that moves the cursor and changes no row yet.
    public init(after: LogPosition, upTo: LogPosition) {
        precondition(after.shard == upTo.shard, "\(after) and \(upTo) are places in two logs")
        self.after = after
        self.upTo = upTo
        events = []
        created = []
        changed = []
        beats = []
        unreadable = []
    }

    /// Whether not even the cursor would move.
    public var isEmpty: Bool { after == upTo }
}

/// The last state of a job in a batch. Applied where (epoch, version, seq) is greater than the row's; a terminal row
/// yields only to a higher version; below the row's last requeue it is never applied. nil = leave as it is.
public struct RowChange: Hashable, Sendable {
    /// The job whose row changes.
    public var id: JobID
    /// The epoch of the entry that brought the state.
    public var epoch: Int64
    /// The job's version in that state.
    public var version: Int
    /// The number of the entry within `epoch`.
    public var seq: Int64
    /// Where the job stands then.
    public var status: JobStatus
    /// When it came to stand so, by the queue's clock.
    public var at: Timestamp
    /// When the batch's last lease of it began.
    public var startedAt: Timestamp?
    /// When it ended; nil while it is not terminal.
    public var completedAt: Timestamp?
    /// The time it waits for.
    public var scheduledAt: Timestamp?
    /// What a change of a waiting job gave it.
    public var priority: JobPriority?
    /// The worker of that lease.
    public var workerID: String?
    /// Its failures.
    public var attempts: Int?
    /// Its leases that ran out.
    public var crashes: Int?
    /// What its last failure said.
    public var error: String?
    /// What its handler returned.
    public var result: [UInt8]?

    /// A change that leaves everything else of the row as it is.
    public init(id: JobID, position: LogPosition, version: Int, status: JobStatus, at: Timestamp) {
        self.id = id
        epoch = position.epoch
        seq = position.seq
        self.version = version
        self.status = status
        self.at = at
    }
}
