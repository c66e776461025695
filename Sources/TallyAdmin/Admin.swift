import TallyCore

/// What an operator may ask of the two halves and do to them. Whoever asks, a command or a service, gets the same
/// values, and each value has its own JSON: objects, lists, texts and numbers, as `JSONWriter` takes them.
package struct Admin: Sendable {
    let queue: QueueStore
    let halfWithRecord: LedgerStore?

    /// Without a ledger only what the queue can answer is answered.
    package init(queue: QueueStore, ledger: LedgerStore?) {
        self.queue = queue
        halfWithRecord = ledger
    }

    /// - Throws: `InvalidSetting` where there is none.
    func ledger() throws -> LedgerStore {
        guard let halfWithRecord else {
            throw InvalidSetting("TALLY_POSTGRES_URL", "is not set; this is asked of the ledger")
        }
        return halfWithRecord
    }

    /// A paused queue hands out no jobs; those that run go on, and what is enqueued waits.
    package func pause(_ queue: QueueName, _ isPaused: Bool) async throws {
        try await self.queue.control.pause(queue, isPaused)
    }
}
