/// Takes what the queue's log says into the ledger: for the mirror.
public protocol MirrorApplication: Sendable {
    /// The last log position applied, of shard 0.
    func cursor() async throws(LedgerError) -> LogPosition

    /// Applies a batch in one transaction, if the cursor still stands at `batch.after`; false if another mirror has
    /// moved it. Rows that the server refuses go to quarantine, the others are applied.
    func apply(_ batch: MirrorBatch) async throws(LedgerError) -> Bool
}
