/// Puts right in a queue what the reconciler found.
public protocol QueueRepairing: Sendable {
    /// Up to `Limits.sweepPerCall` repairs, one after another: each moves its job only while that is still as
    /// `expected` says, whatever becomes of the others. Says which were made.
    func repair(_ repairs: [QueueRepair]) async throws(QueueError) -> [Bool]
}

extension QueueRepairing {
    /// One alone.
    public func repair(_ repair: QueueRepair) async throws(QueueError) -> Bool {
        try await self.repair([repair])[0]
    }
}

/// A queue that takes repairs from whoever holds the lease to repair alone.
public protocol QueueFencing: Sendable {
    /// From now on a repair that carries another token is refused and changes nothing; one without any is taken.
    func fence(_ token: JobID) async throws(QueueError)
}
