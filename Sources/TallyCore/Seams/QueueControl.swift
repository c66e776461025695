/// Moves jobs that no worker asks for: for clients that cancel, operators, and the sweep.
public protocol QueueControl: Sendable {
    /// A waiting job becomes cancelled; a processing one is flagged (its ack still wins; retry, fail, release and
    /// reclaim then end it as cancelled). An id that is not held answers `.unknown`, unless `tombstone` gives the
    /// version that the ledger names: then it is written as ended, so that no push brings it back.
    func cancel(_ id: JobID, tombstone: (version: Int, issued: Issued)?) async throws(QueueError)
        -> CancelAnswer

    /// A paused queue hands out no leases; everything else goes on.
    func pause(_ queue: QueueName, _ paused: Bool) async throws(QueueError)

    /// Makes up to `limit` due jobs runnable.
    func promote(_ limit: Int) async throws(QueueError) -> Int

    /// Takes back up to `limit` expired leases.
    func reclaim(_ limit: Int) async throws(QueueError) -> Int
}
