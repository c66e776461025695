/// One transition of one job.
public struct LogStep: Hashable, Sendable {
    public var job: JobID
    public var position: LogPosition
    public init(job: JobID, position: LogPosition) {
        self.job = job
        self.position = position
    }
}

public struct QuarantinedRow: Hashable, Sendable {
    public var id: Int64
    public var job: JobID
    public var position: LogPosition
    /// `unreadable`, `event`, `created`, `changed`, `beat`.
    public var source: String
    public var reason: String
    public init(id: Int64, job: JobID, position: LogPosition, source: String, reason: String) {
        self.id = id
        self.job = job
        self.position = position
        self.source = source
        self.reason = reason
    }
}

public struct LeakedKey: Hashable, Sendable {
    public var queue: String
    public var key: String
    public var job: JobID
    public init(queue: String, key: String, job: JobID) {
        self.queue = queue
        self.key = key
        self.job = job
    }
}
