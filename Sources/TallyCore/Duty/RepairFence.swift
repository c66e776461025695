/// The lease to repair under which the current task works: what it changes in ledger and queue carries it along.
public enum RepairFence {
    /// nil: it works under none.
    @TaskLocal public static var token: JobID?
}

/// A queue that takes repairs from whoever holds the lease to repair alone.
public protocol FencedQueue: QueueDriver {
    /// From now on a repair that carries another token is refused and changes nothing; one without any is taken.
    func fence(_ token: JobID) async throws(QueueError)
}
