import Synchronization
import TallyCore

/// What a running job may know and do.
public final class JobContext: Sendable {
    public let id: JobID
    public let type: JobType
    public let queue: QueueName
    /// 1 for the first attempt. Lapsed leases and releases do not count.
    public let attempt: Int
    public let crashes: Int
    public let uniqueKey: String?
    /// Grows strictly from lease to lease, also across a loss of Redis' data: hand both to outside systems that can
    /// refuse a writer with a smaller pair.
    public let fence: (epoch: Int64, version: Int)
    public let tags: [String]
    public let trace: String
    public let body: [UInt8]
    public let worker: WorkerID

    private let codec: any JobCodec
    private let stored = Mutex<[UInt8]>([])

    init(_ job: ReservedJob, worker: WorkerID, codec: any JobCodec) {
        id = job.record.id
        type = job.record.type
        queue = job.record.queue
        attempt = job.attempts + 1
        crashes = job.crashes
        uniqueKey = job.record.unique?.text
        fence = (job.lease.epoch, job.lease.version)
        tags = job.record.tags
        trace = job.record.trace
        body = job.record.body
        self.worker = worker
        self.codec = codec
    }

    /// Stores a result with the completion; the last call counts.
    public func complete(with value: some Encodable) throws { try complete(bytes: codec.encode(value)) }

    public func complete(bytes: [UInt8]) throws {
        if bytes.count > Limits.resultBytes {
            throw JobError.final(
                "the result has \(bytes.count) bytes; at most \(Limits.resultBytes) are kept")
        }
        stored.withLock { $0 = bytes }
    }

    var result: [UInt8] { stored.withLock { $0 } }
}
