import TallyCore

/// Which record layout may be written, in both halves: the ledger leads, for it keeps it when Redis loses its data.
package struct RecordLayouts: Sendable {
    private let queues: [any QueueRecordLayout]
    private let ledger: (any LedgerRecordLayout)?

    /// - Parameter shards: those to be raised.
    /// - Parameter ledger: nil = mode queued without Postgres: the queue alone keeps it.
    /// - Returns: nil where a driver does not keep it: then every layout may be written.
    package init?(_ shards: [QueueStore], _ ledger: LedgerStore?) {
        queues = shards.compactMap(\.recordLayout)
        if queues.count < shards.count { return nil }
        if let ledger, ledger.recordLayout == nil { return nil }
        self.ledger = ledger?.recordLayout
    }

    /// Brings what the ledger knows to a queue that was emptied, or that a crash kept from being raised.
    package func carry() async throws {
        guard let known = try await ledger?.recordLayout(), known > 1 else { return }
        _ = try await raiseQueues(to: known)
    }

    /// The ledger first: after a crash in between the next run of this, or whatever opens both, does the rest.
    /// May be repeated.
    ///
    /// - Returns: whether anything was raised.
    /// - Throws: the first error, once every shard has had its turn.
    @discardableResult
    package func raise(to layout: Int) async throws -> Bool {
        var isRaised = false
        if let ledger, try await ledger.recordLayout() < layout {
            try await ledger.raiseRecordLayout(to: layout)
            isRaised = true
        }
        return try await raiseQueues(to: layout) || isRaised
    }

    private func raiseQueues(to layout: Int) async throws -> Bool {
        var isRaised = false
        var failure: QueueError?
        for queue in queues {
            do throws(QueueError) {
                if try await queue.recordLayout() >= layout { continue }
                try await queue.raiseRecordLayout(to: layout)
                isRaised = true
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return isRaised
    }
}
