import TallyCore

/// The relay and the mirror in a few lines, for tests: the duties of `TallyLedger` without timers, retries or
/// budgets.
public enum Settling {
    /// Pushes every outbox row, however young, and mirrors the log, until neither has anything left to do. Rows that
    /// the queue has no room for stay.
    ///
    /// - Parameter now: the time that the queue's calls are told; nil leaves it to the queue's clock.
    public static func run(
        _ queue: any QueueDriver, _ ledger: any LedgerDriver, at now: Timestamp? = nil
    ) async throws {
        while true {
            // Before the ledger is read, as `Issued` asks.
            var issued = try await queue.stamp()
            if let now { issued = Issued(epoch: issued.epoch, at: now) }
            let stamp = issued
            let done = try await ledger.relay(rows: 100, olderThan: .zero) { row in
                for call in row.pushes.calls() {
                    let answers = try await queue.push(call, issued: stamp, at: now)
                    if answers.contains(where: { $0 == .full || $0 == .refused }) { return false }
                }
                return true
            }
            if done.deleted == 0 { break }
        }
        while true {
            let after = try await ledger.cursor()
            let entries = try await queue.log(after: after, limit: 1000)
            if entries.isEmpty { break }
            let batch = MirrorBatch(folding: entries, after: after)
            if try await ledger.apply(batch) { try await queue.report(applied: batch.upTo, at: now) }
        }
    }
}
