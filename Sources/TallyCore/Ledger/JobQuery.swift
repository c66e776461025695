/// What may be listed: newest or oldest first by id, which is creation order.
public struct JobQuery: Sendable {
    public var queue: QueueName?
    public var status: JobStatus?
    public var type: JobType?
    public var limit: Int
    /// From the page before.
    public var cursor: String?
    public var newestFirst: Bool
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

public struct JobPage: Sendable {
    public var jobs: [JobSnapshot]
    /// nil on the last page.
    public var next: String?
    public init(jobs: [JobSnapshot], next: String?) {
        self.jobs = jobs
        self.next = next
    }
}
