/// Which half keeps the unique keys of a queue's jobs. The first enqueue with a key decides for its queue, and a key
/// in the
/// other mode is refused from then on: one key is one live job, whatever the mode.
public enum KeyHome: String, Hashable, Sendable {
    /// The queue itself, for jobs of mode queued.
    case queue = "q"
    /// The ledger, for jobs of mode recorded.
    case ledger = "r"
}

/// What became of the key of a job that is recorded already.
public enum KeyTaking: Hashable, Sendable {
    /// The ledger keeps the keys of its queue.
    case kept
    /// The queue keeps them; this one was free, and is this job's now.
    case taken
    /// A job that was enqueued in the queue holds it.
    case held
}

/// A queue that knows which half keeps the unique keys of each queue. Without one the halves keep keys apart.
public protocol KeyHomeQueue: QueueDriver {
    /// The ledger is about to record these jobs, each with a unique key. Answers which half keeps the keys of each.
    func claimKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyHome]
    /// The ledger has recorded these jobs, each with a unique key, and nobody asked here before.
    func takeKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyTaking]
    /// Where this queue lost its data: what the ledger knows of it. What stands here stays.
    func restore(_ homes: [QueueName: KeyHome]) async throws(QueueError)
}

/// A ledger that knows it too: the queue's word arrives with its log.
public protocol KeyHomeLedger: LedgerDriver {
    /// Queues with unique keys after this one, in order of their names, at most `limit`.
    func keyHomes(after queue: QueueName?, limit: Int) async throws(LedgerError) -> [(
        queue: QueueName, home: KeyHome
    )]
}
