/// Names one transition of one job, to ask whether the ledger has it.
public struct LogStep: Hashable, Sendable {
    /// The job that moved.
    public var job: JobID
    /// The log entry in which it moved.
    public var position: LogPosition
    /// The step of this job in that entry.
    public init(job: JobID, position: LogPosition) {
        self.job = job
        self.position = position
    }
}

/// What the mirror could not apply or the relay could not push. It is kept with its bytes until somebody settles it.
public struct QuarantinedRow: Hashable, Sendable {
    /// By which it is settled.
    public var id: Int64
    /// The job that it is about.
    public var job: JobID
    /// The log entry that it came from.
    public var position: LogPosition
    /// `unreadable`, `event`, `created`, `changed`, `beat`.
    public var source: String
    /// What the server refused it with, or why it could not be read.
    public var reason: String
    /// A row for a driver, or for a test that stands in for one.
    public init(id: Int64, job: JobID, position: LogPosition, source: String, reason: String) {
        self.id = id
        self.job = job
        self.position = position
        self.source = source
        self.reason = reason
    }
}

/// A unique key that outlived its job or its time, so that it keeps others out for nothing.
public struct LeakedKey: Hashable, Sendable {
    /// The queue in which it is taken; plain text, since a damaged name must be freed as well.
    public var queue: String
    /// The key.
    public var key: String
    /// The job that holds it; it is freed only while that job still does.
    public var job: JobID
    /// A key for a driver, or for a test that stands in for one.
    public init(queue: String, key: String, job: JobID) {
        self.queue = queue
        self.key = key
        self.job = job
    }
}
