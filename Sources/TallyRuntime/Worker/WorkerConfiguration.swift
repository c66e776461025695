import Glibc
import TallyCore

/// What a worker takes and how. Values out of range are brought into it; a test holds the table.
public struct WorkerConfiguration: Sendable {
    /// What becomes of a job that no handler here knows.
    public enum UnknownType: Hashable, Sendable {
        /// Hand it back for this long, `Limits.snoozeLeast` at least, and for twice as long each further time, up to
        /// `Limits.unknownTypeCap` unless this is longer: another worker may know the type. No attempt is counted.
        /// The default.
        case release(after: Duration)
        /// To the dead-letter set.
        case fail
    }
    /// Where it takes jobs: from all of them by turns, each by its weight. One that is empty gives its turns to the
    /// others.
    public var queues: [QueueName]
    /// The share of each queue in the jobs that are taken while all have work: of `["mail": 3, "bulk": 1]` mail has
    /// three of four. One that is not named has a weight of 1; others are brought into 1 to `Limits.queueWeight`.
    public var weights: [QueueName: Int]
    /// Instead of weights: a later queue is looked at only while those before it are empty.
    public var isStrict: Bool
    /// Jobs that run at once; at least 1. No more are ever leased.
    public var concurrency: Int
    /// How long a job stays its own without a sign of life.
    public var lease: Duration
    /// How often leases are extended; a third of the lease unless it is shorter than that. Every 30 s at the least:
    /// who is silent for three times as long is called lost.
    public var heartbeat: Duration
    /// How long a handler may go on once its timeout has cancelled it. Then its job is settled without it and its
    /// slot is free, though nothing can take the thread from code that never looks up.
    public var timeoutGrace: Duration
    /// How long `drain` waits for running jobs unless told otherwise.
    public var drain: Duration
    /// What becomes of a job that no handler here knows.
    public var unknownType: UnknownType
    /// What errors mean by their type, for all handlers; those of the handler are asked before.
    public var errors: [ErrorRule]
    /// Must be another than that of every other live worker.
    public var id: WorkerID
    /// Those that it can read bodies with, found by their names.
    public var codecs: [any JobCodec]

    /// A configuration; what is left out has the default of `Limits`, the id one of host and process.
    public init(
        queues: [QueueName] = [.default], weights: [QueueName: Int] = [:], isStrict: Bool = false,
        concurrency: Int = Limits.concurrency, lease: Duration = Limits.lease,
        heartbeat: Duration = .zero, timeoutGrace: Duration = Limits.timeoutGrace,
        drain: Duration = Limits.drain,
        unknownType: UnknownType = .release(after: Limits.unknownType), errors: [ErrorRule] = [],
        id: WorkerID? = nil,
        codecs: [any JobCodec] = [JSONCodec()]
    ) {
        self.queues = queues.isEmpty ? [.default] : queues
        self.weights = weights.mapValues { Self.bounded($0) }
        self.isStrict = isStrict
        self.concurrency = max(1, concurrency)
        self.lease = lease <= .zero || lease > Limits.maxLease ? Limits.lease : lease
        let third = self.lease / Limits.heartbeatsPerLease
        let wanted = heartbeat <= .zero || heartbeat >= self.lease ? third : heartbeat
        self.heartbeat = min(wanted, Limits.silence / 3)
        self.timeoutGrace = max(.zero, timeoutGrace)
        self.drain = max(.zero, drain)
        self.unknownType = unknownType
        self.errors = errors
        self.id = id ?? WorkerID("\(Host.name)-\(getpid())-\(JobID().description.suffix(8))")
        self.codecs = codecs
    }

    /// A weight that counts.
    static func bounded(_ weight: Int) -> Int { max(1, min(weight, Limits.queueWeight)) }
}
