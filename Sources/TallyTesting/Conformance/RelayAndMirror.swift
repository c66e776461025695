import TallyCore

/// The relay and the mirror in a few lines, for tests: the duties of `TallyDuties` without timers, retries or
/// budgets.
public enum RelayAndMirror {
    /// Pushes every outbox row, however young, and mirrors the log, until neither has anything left to do. Rows that
    /// the queue has no room for stay.
    public static func run(_ queue: any QueueDriver, _ ledger: any LedgerDriver) async throws {
        let (queue, ledger) = (queue.store, ledger.store)
        while true {
            // Before the ledger is read, as `Issued` asks.
            let issued = try await queue.enqueueing.stamp()
            var claim = RelayClaim(rows: 100, olderThan: .zero)
            claim.part = queue.part
            let done = try await ledger.outbox.relay(claim) { row in
                for call in row.pushes.calls() {
                    let answers = try await queue.enqueueing.push(call, issued: issued)
                    let stays: [PushAnswer] = [.full, .refused, .layoutNotRaised]
                    if answers.contains(where: stays.contains) {
                        return RelayVerdict(left: row.pushes.map(\.record.id))
                    }
                }
                return RelayVerdict()
            }
            if done.deleted == 0 { break }
        }
        while true {
            let after = try await ledger.mirror.cursor(of: queue.part.shard)
            let entries = try await queue.transitions.log(after: after, limit: 1000)
            if entries.isEmpty { break }
            let batch = MirrorBatch(folding: entries, after: after)
            if try await ledger.mirror.apply(batch) {
                try await queue.transitions.report(applied: batch.upTo)
            }
        }
    }
}
