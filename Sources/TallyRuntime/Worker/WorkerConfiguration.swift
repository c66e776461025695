import Glibc
import TallyCore

/// What a worker takes and how. Values out of range are brought into it; a test holds the table.
public struct WorkerConfiguration: Sendable {
    public enum UnknownType: Hashable, Sendable {
        /// Hand it back for this long: another worker may know the type. The default.
        case release(after: Duration)
        /// To the dead-letter set.
        case fail
    }
    public var queues: [QueueName]
    /// Jobs that run at once; at least 1. No more are ever leased.
    public var concurrency: Int
    public var lease: Duration
    /// How often leases are extended; a third of the lease unless it is shorter than that. Every 30 s at the least:
    /// who is silent for three times as long is called lost.
    public var heartbeat: Duration
    /// How long a handler may go on once its timeout has cancelled it. Then its job is settled without it and its
    /// slot is free, though nothing can take the thread from code that never looks up.
    public var timeoutGrace: Duration
    /// How long `drain` waits for running jobs unless told otherwise.
    public var drain: Duration
    public var unknownType: UnknownType
    public var id: WorkerID
    public var codecs: [any JobCodec]

    public init(
        queues: [QueueName] = [.default], concurrency: Int = Limits.concurrency,
        lease: Duration = Limits.lease,
        heartbeat: Duration = .zero, timeoutGrace: Duration = Limits.timeoutGrace,
        drain: Duration = Limits.drain,
        unknownType: UnknownType = .release(after: .seconds(5)), id: WorkerID? = nil,
        codecs: [any JobCodec] = [JSONCodec()]
    ) {
        self.queues = queues.isEmpty ? [.default] : queues
        self.concurrency = max(1, concurrency)
        self.lease = lease <= .zero || lease > Limits.maxLease ? Limits.lease : lease
        let third = self.lease / Limits.heartbeatsPerLease
        let wanted = heartbeat <= .zero || heartbeat >= self.lease ? third : heartbeat
        self.heartbeat = min(wanted, Limits.silence / 3)
        self.timeoutGrace = max(.zero, timeoutGrace)
        self.drain = max(.zero, drain)
        self.unknownType = unknownType
        self.id = id ?? WorkerID("\(Self.host)-\(getpid())-\(JobID().description.suffix(8))")
        self.codecs = codecs
    }

    static var host: String {
        var name = [UInt8](repeating: 0, count: 256)
        let failed = name.withUnsafeMutableBytes {
            gethostname($0.baseAddress!.assumingMemoryBound(to: CChar.self), 255)
        }
        return failed == 0 ? String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) : "host"
    }
}
