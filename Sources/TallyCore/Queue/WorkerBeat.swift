/// What a worker says of itself, every heartbeat; the ledger keeps the last one a worker.
public struct WorkerBeat: Hashable, Sendable, Codable {
    /// `lost` is the reconciler's word for one that fell silent; no worker says it of itself.
    public enum Status: String, Sendable, Codable { case running, draining, stopped, lost }
    /// The worker that reports.
    public var id: WorkerID
    /// What it is doing: it takes jobs, it only ends those that it has, or it has ended.
    public var status: Status
    /// The queues that it asks.
    public var queues: [QueueName]
    /// The types that it has handlers for.
    public var types: [JobType]
    /// The jobs that it is running, `Limits.runningTold` of them at most.
    public var running: [JobID]
    /// How many jobs it runs at a time at most.
    public var concurrency: Int
    /// When it was made, by its own machine's clock.
    public var startedAt: Timestamp
    /// The machine that it runs on.
    public var host: String
    /// The number of its process there.
    public var pid: Int32
    /// The newest record layout that it reads; nil = its program is older than that there are two.
    public var recordLayout: Int?
    /// How often it was given a job of a type that it has no handler for, by type, of the first
    /// `Limits.unknownTypesTold` types; nil = never, or its program is older than that this is counted.
    public var unknown: [String: Int]?
    /// Its program, its load, and how it has fared; nil = its program is older than that this is told.
    public var vitals: WorkerVitals?
    /// What its handlers have logged since the report before; nil = nothing. The ledger keeps them beside its row.
    public var lines: [AttemptLine]?
    /// Slots that are taken; what an older program names is all of them up to a hundred.
    public var busy: Int { vitals?.busy ?? running.count }
    /// A report; the queue stamps it with its own clock.
    public init(
        id: WorkerID, status: Status, queues: [QueueName], types: [JobType], running: [JobID],
        concurrency: Int,
        startedAt: Timestamp, host: String, pid: Int32
    ) {
        self.id = id
        self.status = status
        self.queues = queues
        self.types = types
        self.running = running
        self.concurrency = concurrency
        self.startedAt = startedAt
        self.host = host
        self.pid = pid
        recordLayout = JobRecord.newestLayout
    }
}
