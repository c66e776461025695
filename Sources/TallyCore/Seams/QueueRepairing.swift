/// Puts right in a queue what the reconciler found.
public protocol QueueRepairing: Sendable {
    /// Up to `Limits.sweepPerCall` repairs, one after another: each moves its job only while that is still as
    /// `expected` says, whatever becomes of the others. Says which were made.
    ///
    /// - Crash: a repair is made, and in the log, or neither.
    /// - Repeat: answers false where the repair has moved the job. One that leaves it as it was seen is written once
    ///   more, and the ledger's row stays as it is.
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
    ///
    /// - Crash: this token counts, or the one before.
    /// - Repeat: changes nothing.
    func fence(_ token: JobID) async throws(QueueError)
}
