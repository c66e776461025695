import TallyCore

/// Tells lag from drift: whoever compares the halves notes the log end beside what it read of the queue, passes this
/// barrier, and only then reads the ledger. What differs then is drift, but of rows with held changes: the cursor has
/// passed those, and they are in the row only once nobody holds it. `LedgerView` says so, and nothing is concluded
/// then.
public struct Barrier: Sendable {
    private let ledger: any MirrorApplication
    private let mirror: Mirror

    /// A barrier that drives this mirror itself while it waits.
    public init(ledger: any LedgerDriver, mirror: Mirror) {
        self.ledger = ledger.store.mirror
        self.mirror = mirror
    }

    /// True once the ledger has everything up to `end`, in rows or kept for those that are held; false when `time`
    /// ran out: then nothing can be said. It mirrors itself while it waits, so it passes even where no `tally serve`
    /// runs.
    public func pass(_ end: LogPosition, within time: Duration = Limits.barrier) async throws -> Bool {
        let deadline = ContinuousClock.now + time
        var backoff = Backoff()
        while true {
            do {
                if try await ledger.cursor(of: end.shard) >= end { return true }
                if try await mirror.step() == 0 {
                    // The log has no more, and the ledger still lacks it: another mirror is at work, or entries are
                    // gone.
                    try await Task.sleep(for: Limits.barrierPause)
                }
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                if ContinuousClock.now >= deadline { throw error }
                try await Task.sleep(for: backoff.next())
            }
            if ContinuousClock.now >= deadline { return false }
        }
    }
}
