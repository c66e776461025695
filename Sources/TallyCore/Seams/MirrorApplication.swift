/// Takes what the queue's log says into the ledger: for the mirror.
public protocol MirrorApplication: Sendable {
    /// The last log position of this shard that was applied; `.start(of:)` before the first.
    func cursor(of shard: Shard) async throws(LedgerError) -> LogPosition

    /// Applies a batch in one transaction, if the cursor of its shard still stands at `batch.after`; false if another
    /// mirror has moved it. Rows that the server refuses go to quarantine, the others are applied.
    ///
    /// - Crash: events, rows, totals and the cursor change together, or none of them.
    /// - Repeat: answers false: the cursor has moved on.
    func apply(_ batch: MirrorBatch) async throws(LedgerError) -> Bool
}

extension MirrorApplication {
    /// That of the first shard, for where there is one.
    public func cursor() async throws(LedgerError) -> LogPosition { try await cursor(of: .first) }
}
