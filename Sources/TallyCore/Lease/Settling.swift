/// What became of one lease that was to be extended. A repeat only moves the expiry on.
public enum ExtendAnswer: Hashable, Sendable {
    /// Use the returned lease from now on. `cancelRequested`: the handler should stop.
    case extended(Lease, cancelRequested: Bool)
    case refused(LeaseRefusal)
}

/// The job is done.
public struct Ack: Hashable, Sendable {
    public var lease: Lease
    public var result: [UInt8]
    public init(_ lease: Lease, result: [UInt8] = []) {
        self.lease = lease
        self.result = result
    }

    package static func tooLarge(_ bytes: Int) -> String {
        "\(bytes) bytes of results; at most \(Limits.bodyBytesPerCall) fit one call, or one larger result: split it"
    }
}

/// The attempt failed, and there will be another.
public struct Retry: Hashable, Sendable {
    public var lease: Lease
    /// nil or past = at once; beyond the year 2255 counts as its end.
    public var runAt: Timestamp?
    public var attempts: Int
    public var error: String
    public var failedAt: Timestamp?
    public init(_ lease: Lease, runAt: Timestamp?, attempts: Int, error: String, failedAt: Timestamp? = nil) {
        self.lease = lease
        self.runAt = runAt
        self.attempts = attempts
        self.error = error
        self.failedAt = failedAt
    }
}

/// The attempt failed, and it was the last.
public struct Failure: Hashable, Sendable {
    public var lease: Lease
    public var attempts: Int
    public var error: String
    public init(_ lease: Lease, attempts: Int, error: String) {
        self.lease = lease
        self.attempts = attempts
        self.error = error
    }
}

/// The job goes back unharmed: no attempt is counted.
public struct Release: Hashable, Sendable {
    public var lease: Lease
    /// nil or past = at once; beyond the year 2255 counts as its end.
    public var runAt: Timestamp?
    public init(_ lease: Lease, runAt: Timestamp? = nil) {
        self.lease = lease
        self.runAt = runAt
    }
}

/// What became of one ack, retry, failure or release.
public enum SettleAnswer: Hashable, Sendable {
    /// Done; the status that the job has now. It is `cancelled` where a cancellation was pending.
    case settled(JobStatus)
    /// This lease had already ended the job this way. Nothing changed.
    case repeated
    case refused(LeaseRefusal)
}

/// What became of a cancellation.
public enum CancelAnswer: Hashable, Sendable {
    case cancelled(version: Int, epoch: Int64)
    /// Running: flagged, its worker will hear of it.
    case cancelling(version: Int)
    case ended(JobStatus, version: Int)
    case unknown
    /// `issued` is too old, or of another epoch.
    case refused
}
