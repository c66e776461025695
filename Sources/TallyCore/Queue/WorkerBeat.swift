/// What a worker says of itself, every heartbeat; the ledger keeps the last one a worker.
public struct WorkerBeat: Hashable, Sendable, Codable {
    /// `lost` is the reconciler's word for one that fell silent; no worker says it of itself.
    public enum Status: String, Sendable, Codable { case running, draining, stopped, lost }
    public var id: WorkerID
    public var status: Status
    public var queues: [QueueName]
    public var types: [JobType]
    public var running: [JobID]
    public var concurrency: Int
    public var startedAt: Timestamp
    public var host: String
    public var pid: Int32
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
    }
}
