/// What the reconciler compares of a row.
public struct LedgerView: Hashable, Sendable {
    public var id: JobID
    public var status: JobStatus
    public var version: Int
    public var epoch: Int64
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
    public init(
        id: JobID, status: JobStatus, version: Int, epoch: Int64, seq: Int64, hasOutbox: Bool,
        runAt: Timestamp? = nil, bodyBytes: Int = 0, hasHeldChanges: Bool = false
    ) {
        self.bodyBytes = bodyBytes
        self.hasHeldChanges = hasHeldChanges
        self.id = id
        self.status = status
        self.version = version
        self.epoch = epoch
        self.seq = seq
        self.hasOutbox = hasOutbox
        self.runAt = runAt
    }
}
