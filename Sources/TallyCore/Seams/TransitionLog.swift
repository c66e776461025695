/// What the queue did, in order, and which history it is in: for the mirror and for whoever opens an epoch.
public protocol TransitionLog: Sendable {
    /// Log entries after `position`, in order: `limit` at most, and no more of them than reach `bytes`. Only an empty
    /// answer says that there are no more.
    func log(after position: LogPosition, limit: Int, bytes: Int) async throws(QueueError) -> [LogEntry]

    /// The ledger holds everything up to `position`: trims the log and lets tombstones age.
    ///
    /// - Crash: a report that was lost is made up for by the next.
    /// - Repeat: is harmless, and so is an older position: what is trimmed was reported before.
    func report(applied position: LogPosition) async throws(QueueError)

    /// The state of the history: epoch, last log entry, whether leases are held back.
    func history() async throws(QueueError) -> QueueHistory

    /// Ends the hold of this epoch, if it is still the current one.
    ///
    /// - Crash: the epoch is open or held; leasing goes on by itself after `Limits.hold`.
    /// - Repeat: changes nothing: the epoch is not held any more.
    func open(epoch: Int64) async throws(QueueError)
}

extension TransitionLog {
    /// As much as one answer may hold, `Limits.logReadBytes`.
    public func log(after position: LogPosition, limit: Int) async throws(QueueError) -> [LogEntry] {
        try await log(after: position, limit: limit, bytes: Limits.logReadBytes)
    }
}
