/// What may be listed: newest or oldest first by id, which is creation order.
public struct JobQuery: Sendable {
    /// Only jobs of this queue; nil = of any.
    public var queue: QueueName?
    /// Only jobs that stand so; nil = any.
    public var status: JobStatus?
    /// Only jobs of this type; nil = any.
    public var type: JobType?
    /// At most so many rows, brought into 1 to `Limits.maxPage`. Fewer come where their bodies reach
    /// `Limits.rowsBytes`.
    public var limit: Int
    /// `next` of the page before, to be given with the same filters; nil = the first page.
    public var cursor: String?
    /// The latest jobs first.
    public var newestFirst: Bool
    /// A query; without arguments it lists all jobs, the oldest first.
    public init(
        queue: QueueName? = nil, status: JobStatus? = nil, type: JobType? = nil, limit: Int = Limits.page,
        cursor: String? = nil, newestFirst: Bool = false
    ) {
        self.queue = queue
        self.status = status
        self.type = type
        self.limit = limit
        self.cursor = cursor
        self.newestFirst = newestFirst
    }
}

/// One page of a listing. Rows that come or go between two pages shift no others: the cursor is an id, not a number
/// of rows.
public struct JobPage: Sendable {
    /// In the order that was asked for.
    public var jobs: [JobSnapshot]
    /// The cursor of the page behind it; nil on the last page.
    public var next: String?
    /// A page for a driver, or for a test that stands in for one.
    public init(jobs: [JobSnapshot], next: String?) {
        self.jobs = jobs
        self.next = next
    }
}
