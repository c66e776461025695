import TallyCore

/// Real stores for a simulation, and how the queue loses its data.
package struct SimulationStore: Sendable {
    /// Nobody else's meanwhile.
    package var queue: InspectedQueue
    /// The record, to which nobody else writes meanwhile.
    package var ledger: LedgerStore
    /// The queue's, as it was given to the driver.
    package var clock: ManualClock
    /// Claims the effect of a lease in a transaction of its own, and commits.
    package var complete: @Sendable (Lease) async throws -> EffectAnswer
    /// As FLUSHALL.
    package var flush: @Sendable () async throws -> Void
    /// Remembers what the queue holds; what it answers brings that back, as another server process.
    package var image: @Sendable () async throws -> @Sendable () async throws -> Void

    /// Stores for one run after another.
    ///
    /// - Throws: `.unsupported` where the queue cannot be inspected and repaired.
    package init(
        queue: any QueueDriver, ledger: any LedgerDriver, clock: ManualClock,
        complete: @escaping @Sendable (Lease) async throws -> EffectAnswer,
        flush: @escaping @Sendable () async throws -> Void,
        image: @escaping @Sendable () async throws -> @Sendable () async throws -> Void
    ) throws(QueueError) {
        self.queue = try InspectedQueue(queue, for: "simulate")
        self.ledger = ledger.store
        self.clock = clock
        self.complete = complete
        self.flush = flush
        self.image = image
    }

    /// Empties the queue and opens it: nothing of a run before is left but ended rows in the ledger.
    func reset() async throws -> QueueHistory {
        try await flush()
        let history = try await queue.transitions.history()
        try await queue.transitions.open(epoch: history.epoch)
        return history
    }
}
