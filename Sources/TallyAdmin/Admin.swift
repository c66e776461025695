import TallyCore

/// What an operator may ask of the two halves and do to them. Whoever asks, a command or a service, gets the same
/// values, and each value has its own JSON: objects, lists, texts and numbers, as `JSONWriter` takes them.
package struct Admin: Sendable {
    let queue: ShardedQueue
    let halfWithRecord: LedgerStore?

    /// Without a ledger only what the queue can answer is answered.
    package init(queue: ShardedQueue, ledger: LedgerStore?) {
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
    ///
    /// Answers whether the queue holds jobs, where the driver can tell: one that holds none may be a misspelt one.
    package func pause(_ queue: QueueName, _ isPaused: Bool) async throws -> Bool {
        try await self.queue.pause(queue, isPaused)
        guard let inspection = self.queue.shard(of: queue).inspection else { return true }
        return try await inspection.counts().contains { counts in
            counts.queue == queue && counts.pending + counts.waiting + counts.due + counts.processing > 0
        }
    }

    /// The jobs of a paused type are handed out from no queue; those that run go on, and so does what else waits.
    package func pauseType(_ type: JobType, _ isPaused: Bool) async throws {
        try await queue.pauseType(type, isPaused)
    }
}
