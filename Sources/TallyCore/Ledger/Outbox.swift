/// Names an outbox row.
public struct OutboxID: Hashable, Sendable {
    /// The row's number, as the ledger counts them; what a rollback leaves out is never used again.
    public let value: Int64
    /// The row of that number.
    public init(_ value: Int64) { self.value = value }
}

/// Jobs of one commit and queue that Redis may not have yet, as a relay claims them.
public struct OutboxRow: Sendable {
    /// By which the row is deleted.
    public var id: OutboxID
    /// The jobs of this row that are not terminal, at the version of the OUTBOX row.
    public var pushes: [Push]
    /// More of them, and the queue of each: a claim is bounded by bytes, and these wait for the next one.
    public var unread: [JobID: QueueName]
    /// A row with what is to be pushed of it.
    public init(id: OutboxID, pushes: [Push], unread: [JobID: QueueName] = [:]) {
        self.id = id
        self.pushes = pushes
        self.unread = unread
    }
}

/// Which outbox rows a relay claims. A pass goes from queue to queue, so that one which is full keeps no other
/// waiting.
public struct RelayClaim: Sendable {
    /// At most so many rows; each queue of the page has its share of them, its oldest first.
    public var rows: Int
    /// Younger rows are left to the client that wrote them, which pushes its own first.
    public var olderThan: Duration
    /// The last queue of the page before; nil = the pass begins.
    public var after: String?
    /// Only the queues of this shard are claimed, and rows of older programs, which name no queue.
    public var part = ShardPart.whole
    /// The first page of a pass, unless `after` says where the next one begins.
    public init(rows: Int = Limits.relayRows, olderThan: Duration = Limits.relayAge, after: String? = nil) {
        self.rows = rows
        self.olderThan = olderThan
        self.after = after
    }
}

/// What became of the jobs of one outbox row. Those that it does not name are in the queue.
public struct RelayVerdict: Sendable {
    /// They stay in the outbox: their queue is full, or the push came too late.
    public var left: [JobID]
    /// No push can bring them to the queue, for this reason.
    public var aside: [JobID: String]
    /// Without arguments: the queue has every job of the row.
    public init(left: [JobID] = [], aside: [JobID: String] = [:]) {
        self.left = left
        self.aside = aside
    }
}

/// What one page of a relay's pass did.
public struct RelayPass: Sendable {
    /// Rows that this page claimed.
    public var claimed: Int
    /// Rows that are gone from the outbox.
    public var deleted: Int
    /// Jobs that no push can bring to the queue: they ended as failed, or have no row at all.
    public var setAside: Int
    /// Where the next page begins; nil = every queue with outbox rows was asked.
    public var next: String?
    /// Without arguments: nothing waited.
    public init(claimed: Int = 0, deleted: Int = 0, setAside: Int = 0, next: String? = nil) {
        self.claimed = claimed
        self.deleted = deleted
        self.setAside = setAside
        self.next = next
    }
}
