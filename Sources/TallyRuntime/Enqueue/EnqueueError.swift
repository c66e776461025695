import TallyCore

/// Why an enqueue did not return a receipt. `mayRetry` with the SAME id is always safe.
public enum EnqueueError: Error, Sendable, CustomStringConvertible {
    /// Refused at the edge; nothing was sent.
    case invalid(InvalidJob)
    /// The codec could not encode the value, the job could not be stored as given, or the store is not one that this
    /// program may use: what refused it says who acts.
    case refused(EnqueueRefusal)
    /// The id belongs to another job, with other content.
    case idConflict(JobID)
    /// The unique keys of this queue are kept by this mode's store, and the enqueue was in the other mode: enqueue in
    /// that mode, or without a key, or to another queue. Nothing was enqueued.
    case keysElsewhere(QueueName, Durability)
    /// The job has headers, a tenant, a limit key or not-after, and not every program that uses the queue is known to
    /// read them: upgrade every one, then run `tally migrate --record-layout 2`. Nothing was enqueued.
    case layoutNotRaised(JobID)
    /// A call in mode queued goes in whole or not at all, and these two of its queues live on different shards, which
    /// no step spans: enqueue the jobs of each shard in a call of their own, or in mode recorded. Nothing was
    /// enqueued.
    case acrossShards(QueueName, QueueName)
    /// The answer was lost: the job may be there or not.
    case uncertain(JobID)
    /// In mode queued: the push broke off at keys in Redis that are damaged. The job is there whole, in part or not
    /// at all; other calls are not touched. Once the keys are mended as the text says, enqueue again with this id; of
    /// several jobs in a call it is the first one's.
    case damaged(JobID, String)
    /// The store cannot be reached; nothing happened.
    case unavailable(String)
    /// The calling task was cancelled before the call was sent; nothing happened. Not for a loop that goes on while
    /// `mayRetry`: whoever cancelled knows whether to ask again.
    case cancelled
    /// Redis, the queue's window or the log budget is full, or as many calls as may already wait in this process
    /// (`Limits.callsWaiting`); nothing happened.
    case full(String)
    /// The client was closed before; nothing was sent.
    case closed

    /// Whether the same enqueue, with the same id, may succeed later.
    public var mayRetry: Bool {
        switch self {
        case .uncertain, .unavailable, .full: true
        case .invalid, .refused, .idConflict, .keysElsewhere, .layoutNotRaised, .acrossShards, .damaged,
            .cancelled, .closed:
            false
        }
    }

    public var description: String {
        switch self {
        case .invalid(let why): "invalid job: \(why)"
        case .refused(let why): "refused: \(why)"
        case .idConflict(let id): "id \(id) belongs to another job with other content"
        case .keysElsewhere(let queue, let mode):
            "the unique keys of queue \(queue) belong to mode \(mode.rawValue): enqueue in that mode, without a key, "
                + "or to another queue"
        case .layoutNotRaised(let id):
            "job \(id): headers, tenant, limit key and not-after need record layout 2, which older programs cannot "
                + "read: upgrade every program that uses this queue, then run `tally migrate --record-layout 2`"
        case .acrossShards(let one, let other):
            "queues \(one) and \(other) live on different shards, and a call in mode queued goes to one: enqueue the "
                + "jobs of each in a call of their own, or in mode recorded; nothing was enqueued"
        case .uncertain(let id): "the answer was lost; enqueue again with id \(id), which is safe"
        case .damaged(let id, let why):
            "damaged keys in Redis; the job with id \(id) may be there whole, in part or not at all: \(why)"
        case .unavailable(let why): "unavailable, nothing was enqueued: \(why)"
        case .cancelled: "cancelled, nothing was enqueued"
        case .full(let why): "full, nothing was enqueued: \(why)"
        case .closed: "closed"
        }
    }

    init(_ error: QueueError, _ id: JobID) {
        switch error.code {
        case .closed: self = .closed
        case .uncertain: self = .uncertain(id)
        case .damaged: self = .damaged(id, error.detail)
        case .full: self = .full(error.detail)
        case .cancelled: self = .cancelled
        case .unavailable: self = .unavailable(error.detail)
        case .invalidLease, .wrongServer, .unsupported, .invalid:
            self = .refused(EnqueueRefusal(error.detail, cause: .queue(error)))
        }
    }

    init(_ error: LedgerError, _ id: JobID) {
        switch error.code {
        case .closed: self = .closed
        case .uncertain: self = .uncertain(id)
        case .cancelled: self = .cancelled
        // A refused login may be a password that is just being changed.
        case .unavailable, .transient, .denied: self = .unavailable(error.description)
        case .refused, .schema, .unsupported, .invalid:
            self = .refused(EnqueueRefusal(error.description, cause: .ledger(error)))
        }
    }
}

/// What the enqueue call waits for.
public enum Durability: String, Sendable, CaseIterable, Codable {
    /// Postgres has committed job row and outbox row. Survives all that Postgres survives.
    case recorded
    /// Redis has run the function. Survives what its AOF setting survives; the ledger follows.
    case queued
}

/// What an enqueue came to.
public struct Receipt: Hashable, Sendable {
    /// The job that now carries the work: an earlier one where `existed`.
    public var id: JobID
    /// Nothing was created: the id or the unique key was there already, whether or not its job has ended since. In
    /// mode queued an end is known for a minute after the ledger knows it.
    public var existed: Bool
    /// What the call waited for.
    public var durability: Durability
    /// A receipt, for a test that stands in for a client.
    public init(id: JobID, existed: Bool, durability: Durability) {
        self.id = id
        self.existed = existed
        self.durability = durability
    }
}
