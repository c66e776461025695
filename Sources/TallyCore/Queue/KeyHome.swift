/// Which half keeps the unique keys of a queue's jobs. The first enqueue with a key decides for its queue, and a key
/// in the other mode is refused from then on: one key is one live job, whatever the mode.
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
