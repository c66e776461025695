/// Moves jobs that no worker asks for: for clients that cancel, operators, and the sweep.
public protocol QueueControl: Sendable {
    /// A waiting job becomes cancelled; a processing one is flagged (its ack still wins; retry, fail, release and
    /// reclaim then end it as cancelled). An id that is not held answers `.unknown`, unless `tombstone` gives the
    /// version that the ledger names: then it is written as ended, so that no push brings it back.
    ///
    /// - Crash: the job is cancelled or flagged, or as it was: one step.
    /// - Repeat: answers the same while the tombstone lives, and writes nothing. With `tombstone` it is refused
    ///   before that can be gone, for `issued` is too old by then.
    func cancel(_ id: JobID, tombstone: (version: Int, issued: Issued)?) async throws(QueueError)
        -> CancelAnswer

    /// Waiting jobs become cancelled, all in one step and one entry of the log; one that is leased by then is left as
    /// it is, and its worker is told nothing. Answers come in the order of the ids, of which there may be up to
    /// `Limits.jobsPerCall`.
    ///
    /// - Parameter tombstones: the versions that the ledger names of ids that the queue may not hold: where it does
    ///   not, they are written as ended, as by `cancel`.
    /// - Parameter issued: when the ledger was read; without it each id with a tombstone is refused.
    /// - Crash: all that waited is cancelled, or as it was.
    /// - Repeat: answers `ended` of what is cancelled while the tombstone lives, and writes nothing of it.
    /// - Throws: `.invalid` for more ids than one call takes.
    func cancelWaiting(
        _ ids: [JobID], tombstones: [JobID: Int], issued: Issued?
    ) async throws(QueueError) -> [CancelWaitingAnswer]

    /// A paused queue hands out no leases; everything else goes on.
    ///
    /// - Crash: the queue is paused or not.
    /// - Repeat: changes nothing.
    func pause(_ queue: QueueName, _ paused: Bool) async throws(QueueError)

    /// Makes up to `limit` due jobs runnable.
    ///
    /// - Crash: an answer that was lost loses only the number.
    /// - Repeat: moves the next jobs that are due.
    func promote(_ limit: Int) async throws(QueueError) -> Int

    /// Takes back up to `limit` expired leases.
    ///
    /// - Crash: an answer that was lost loses only the number.
    /// - Repeat: takes back the next leases that have run out.
    func reclaim(_ limit: Int) async throws(QueueError) -> Int
}
