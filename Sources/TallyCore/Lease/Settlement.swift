/// What became of one lease that was to be extended. A repeat only moves the expiry on.
public enum ExtendAnswer: Hashable, Sendable {
    /// Use the returned lease from now on. `cancelRequested`: the handler should stop.
    case extended(Lease, cancelRequested: Bool)
    /// Nothing changed. The job is not this worker's any more: its handler is to be cancelled.
    case refused(LeaseRefusal)
}

/// How a lease ends.
public enum Settlement: Hashable, Sendable {
    /// The job is done: processing → completed.
    case ack(Lease, result: [UInt8] = [])
    /// The attempt failed, and there will be another: processing → retrying, or pending where `runAt` is nil or past.
    /// A time beyond the year 2255 counts as its end. Writes what it is told; policy is the worker's.
    case retry(Lease, runAt: Timestamp?, attempts: Int, error: String, failedAt: Timestamp? = nil)
    /// The attempt failed, and it was the last: processing → failed.
    case fail(Lease, attempts: Int, error: String)
    /// The job goes back unharmed: processing → scheduled, or pending where `runAt` is nil or past. Neither an
    /// attempt nor a crash is counted.
    case release(Lease, runAt: Timestamp? = nil)

    /// The lease that it ends.
    public var lease: Lease {
        switch self {
        case .ack(let lease, _), .retry(let lease, _, _, _, _), .fail(let lease, _, _),
            .release(let lease, _):
            lease
        }
    }
}

extension Settlement {
    /// The verb under which it stands in the log.
    package var verb: Verb {
        switch self {
        case .ack: .ack
        case .retry: .retry
        case .fail: .fail
        case .release: .release
        }
    }

    /// Of the result or the error that goes along.
    package var bytes: Int {
        switch self {
        case .ack(_, let result): result.count
        case .retry(_, _, _, let error, _), .fail(_, _, let error): error.utf8.count
        case .release: 0
        }
    }

    /// What every driver refuses before anything is sent.
    package static func check(_ settlements: [Settlement]) throws(QueueError) {
        if settlements.count > Limits.jobsPerCall {
            throw QueueError(
                .invalid, "settle", "\(settlements.count) jobs; at most \(Limits.jobsPerCall) a call")
        }
        var results = 0
        for case .ack(_, let result) in settlements { results += result.count }
        if settlements.count > 1, results > Limits.bodyBytesPerCall {
            throw QueueError(
                .invalid, "settle",
                "\(results) bytes of results; at most \(Limits.bodyBytesPerCall) fit one call, or one larger "
                    + "result: split it")
        }
    }
}

/// What became of one settlement.
public enum SettleAnswer: Hashable, Sendable {
    /// Done; the status that the job has now. It is `cancelled` where a cancellation was pending.
    case settled(JobStatus)
    /// This lease had already ended the job this way. Nothing changed.
    case repeated
    /// It changed nothing.
    case refused(LeaseRefusal)
    /// Its part of a mixed call failed, as a call of its own would have. Other parts may stand.
    case failed(QueueError)
}

/// What became of a cancellation.
public enum CancelAnswer: Hashable, Sendable {
    /// It was waiting and has ended as cancelled, at this version and in this epoch of the queue.
    case cancelled(version: Int, epoch: Int64)
    /// Running: flagged, its worker will hear of it.
    case cancelling(version: Int)
    /// It has ended before, and nothing changed. A repeat after a lost answer sees `cancelled` here.
    case ended(JobStatus, version: Int)
    /// The queue does not hold the id and remembers no end of it. Nothing was written; the ledger may have the job.
    case unknown
    /// `issued` is too old, or of another epoch.
    case refused
}

/// What became of a job that was to be cancelled where it waits.
public enum CancelWaitingAnswer: Hashable, Sendable {
    /// It was waiting and has ended as cancelled, at this version and in this epoch of the queue.
    case cancelled(version: Int, epoch: Int64)
    /// It is leased to a worker, who hears of nothing. Nothing changed.
    case processing(version: Int)
    /// It has ended before, and nothing changed. A repeat after a lost answer sees `cancelled` here.
    case ended(JobStatus, version: Int)
    /// The queue does not hold the id and remembers no end of it. Nothing was written; the ledger may have the job.
    case unknown
    /// It comes with a tombstone, and `issued` is too old, or of another epoch.
    case refused
}
