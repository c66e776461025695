/// A job that a condition means which an operator wrote, as far as it decides whether it may run anew.
public struct ReplayCandidate: Hashable, Sendable {
    /// Which job.
    public var id: JobID
    /// How it stands.
    public var status: JobStatus
    /// At which version.
    public var version: Int
    /// Its queue.
    public var queue: QueueName
    /// Its type.
    public var type: JobType
    /// Whether the ledger still has its body.
    public var hasBody: Bool
    /// Whether its handler has committed its effect.
    public var isEffectCommitted: Bool
    /// Whether it was replayed before.
    public var isReplayed: Bool

    /// A job as a ledger has it.
    public init(
        id: JobID, status: JobStatus, version: Int, queue: QueueName, type: JobType, hasBody: Bool,
        isEffectCommitted: Bool, isReplayed: Bool
    ) {
        self.id = id
        self.status = status
        self.version = version
        self.queue = queue
        self.type = type
        self.hasBody = hasBody
        self.isEffectCommitted = isEffectCommitted
        self.isReplayed = isReplayed
    }
}

/// One job that was enqueued anew as another.
public struct ReplayLink: Hashable, Sendable {
    /// The job that had ended.
    public var origin: JobID
    /// The new one.
    public var copy: JobID
    /// When that was noted; nil where it is not noted yet.
    public var at: Timestamp?

    /// A link between two jobs.
    public init(origin: JobID, copy: JobID, at: Timestamp? = nil) {
        self.origin = origin
        self.copy = copy
        self.at = at
    }
}
