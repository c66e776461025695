public struct JobEvent: Hashable, Sendable {
    public var job: JobID
    public var position: LogPosition
    public var at: Timestamp
    public var verb: Verb
    public var from: JobStatus?
    public var to: JobStatus
    public var version: Int
    public var attempts: Int?
    public var actor: String?
    public var error: String?
    public init(
        job: JobID, position: LogPosition, at: Timestamp, verb: Verb, from: JobStatus?, to: JobStatus,
        version: Int,
        attempts: Int? = nil, actor: String? = nil, error: String? = nil
    ) {
        self.job = job
        self.position = position
        self.at = at
        self.verb = verb
        self.from = from
        self.to = to
        self.version = version
        self.attempts = attempts
        self.actor = actor
        self.error = error
    }
}
