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
