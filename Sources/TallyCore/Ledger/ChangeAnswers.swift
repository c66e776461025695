/// What became of a requeue. Only `requeued` changed anything, so a repeat after a lost answer is harmless: it finds
/// the job no longer failed at the version that was seen.
public enum RequeueAnswer: Hashable, Sendable {
    /// The row waits again at this version, with event and outbox row in the same commit; the relay brings it to the
    /// queue.
    case requeued(version: Int)
    /// Not failed, or failed at another version than the caller saw.
    case notFailed(JobStatus)
    /// Failed, but its effect is committed: the work is done, and would be done twice.
    case effectCommitted
    /// The ledger has no row of this id.
    case notFound
}

/// What became of a cancellation in the ledger. May be repeated.
public enum RecordCancelAnswer: Hashable, Sendable {
    /// The row says cancelled, by this call or by an earlier one.
    case cancelled
    /// The row has moved on, or the mirror is in another epoch: start over.
    case raced
    /// The job had ended otherwise before. Nothing changed.
    case ended(JobStatus)
    /// The ledger has no row of this id: a queued job that the mirror has not brought yet. Nothing changed.
    case notFound
}
