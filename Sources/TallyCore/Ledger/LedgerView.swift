/// What the reconciler compares of a row.
public struct LedgerView: Hashable, Sendable {
    /// The job.
    public var id: JobID
    /// By which its shard is known.
    public var queue: QueueName
    /// What the row says.
    public var status: JobStatus
    /// The version of the row's last step.
    public var version: Int
    /// The Redis history of the row's last log entry; 0 before the first.
    public var epoch: Int64
    /// The number of that entry within `epoch`.
    public var seq: Int64
    /// An outbox row still carries the job to the queue.
    public var hasOutbox: Bool
    /// The time it waits for.
    public var runAt: Timestamp?
    /// What reading the job in full would bring.
    public var bodyBytes: Int
    /// The ledger has more of it than its row says: somebody's transaction held the row. Until that is in the row,
    /// nothing can be said of the job, and nothing may be repaired.
    public var hasHeldChanges: Bool
    /// It was leased once, or somebody requeued it. Only what has not begun may still come too late for its
    /// not-after, and a change gives a later version to it too.
    public var hasBegun: Bool
    /// A view for a driver, or for a test that stands in for one.
    public init(
        id: JobID, queue: QueueName = .default, status: JobStatus, version: Int, epoch: Int64, seq: Int64,
        hasOutbox: Bool,
        runAt: Timestamp? = nil, bodyBytes: Int = 0, hasHeldChanges: Bool = false,
        hasBegun: Bool = true
    ) {
        self.bodyBytes = bodyBytes
        self.hasHeldChanges = hasHeldChanges
        self.hasBegun = hasBegun
        self.id = id
        self.queue = queue
        self.status = status
        self.version = version
        self.epoch = epoch
        self.seq = seq
        self.hasOutbox = hasOutbox
        self.runAt = runAt
    }
}
