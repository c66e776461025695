public enum RequeueAnswer: Hashable, Sendable {
    case requeued(version: Int)
    /// Not failed, or failed at another version than the caller saw.
    case notFailed(JobStatus)
    /// Failed, but its effect is committed: the work is done, and would be done twice.
    case effectCommitted
    case notFound
}

public enum RecordCancelAnswer: Hashable, Sendable {
    case cancelled
    /// The row has moved on, or the mirror is in another epoch: start over.
    case raced
    case ended(JobStatus)
    case notFound
}
