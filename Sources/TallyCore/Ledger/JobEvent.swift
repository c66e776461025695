/// One transition of one job, as `job_events` keeps it: written once, never changed.
public struct JobEvent: Hashable, Sendable {
    /// The job that moved.
    public var job: JobID
    /// The log entry that holds it; with `job` it names the event, so one that is applied twice is one row. A step
    /// that the ledger made first has a negative `seq`.
    public var position: LogPosition
    /// When it happened, by the clock of the store that made it.
    public var at: Timestamp
    /// What moved it.
    public var verb: Verb
    /// Where it stood before; nil for a job that the queue did not hold.
    public var from: JobStatus?
    /// Where it stands since.
    public var to: JobStatus
    /// The job's version since.
    public var version: Int
    /// Its failures since, where the step changed or named them.
    public var attempts: Int?
    /// The worker's id, `reconciler` with its drift code, or who requeued it; nil for clients and sweeps.
    public var actor: String?
    /// Why it failed, was reclaimed or was set aside.
    public var error: String?
    /// An event for a driver, or for a test that stands in for one.
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
