import Synchronization
import TallyCore

/// Carries the queue's log into the ledger: every transition exactly once, in order per job.
///
/// A batch is one ledger transaction that also moves the cursor, so a crash before the commit changes nothing and one
/// after it repeats nothing. Any number of mirrors may run: the cursor is compared and set.
public final class Mirror: Sendable {
    private let queue: any QueueDriver
    private let ledger: any LedgerDriver
    private let observer: any JobObserver
    private let state = Mutex(State())

    private struct State {
        /// Where the ledger stood when this mirror last knew; nil = ask.
        var position: LogPosition?
        /// Moves an entry, lately: how many entries make a batch.
        var density = 1.0
    }

    public init(
        queue: any QueueDriver, ledger: any LedgerDriver, observer: any JobObserver = SilentObserver()
    ) {
        self.queue = queue
        self.ledger = ledger
        self.observer = observer
    }

    /// One batch. Answers the number of log entries applied; 0 = the ledger has everything.
    public func step() async throws -> Int {
        let (known, density) = state.withLock { ($0.position, $0.density) }
        let after: LogPosition
        if let known { after = known } else { after = try await ledger.cursor() }
        let limit = max(16, min(4096, Int(Double(Limits.mirrorBatch) / density)))
        let entries = try await queue.log(after: after, limit: limit)
        if entries.isEmpty {
            state.withLock { $0.position = after }
            return 0
        }
        let cut = Self.cut(entries)
        do {
            try LogGap.check(cut, after: after)
        } catch {
            // Another mirror may have applied and trimmed what is missing here.
            state.withLock { $0.position = nil }
            if known != nil { return try await step() }
            throw error
        }
        let batch = MirrorBatch(folding: cut, after: after)
        let applied: Bool
        do {
            applied = try await ledger.apply(batch)
        } catch {
            state.withLock { $0.position = nil }  // an uncertain commit: the cursor tells
            throw error
        }
        state.withLock { state in
            state.position = applied ? batch.upTo : nil
            state.density = max(1, Double(batch.events.count) / Double(cut.count))
        }
        if applied {
            observer.mirrored(batch)
            try await queue.report(applied: batch.upTo, at: nil)
        }
        return cut.count
    }

    /// As many entries as one transaction should take, by moves and by bytes; at least one.
    private static func cut(_ entries: [LogEntry]) -> [LogEntry] {
        var moves = 0
        var bytes = 0
        for (index, entry) in entries.enumerated() {
            moves += entry.moves.count
            for move in entry.moves { bytes += (move.record?.body.count ?? 0) + (move.result?.count ?? 0) }
            if index > 0, moves > Limits.mirrorBatch || bytes > Limits.mirrorBatchBytes {
                return Array(entries[..<index])
            }
        }
        return entries
    }

    /// Until cancelled. Errors are reported and retried; a step that takes long is bounded by the drivers' deadlines.
    public func run() async throws {
        var backoff = Backoff()
        while true {
            try Task.checkCancellation()
            let began = ContinuousClock.now
            do {
                let count = try await step()
                if count > 0 { observer.dutyDid("mirror", count) }
                backoff.reset()
                // Small batches cost a commit each: let transitions gather.
                if count < 256 {
                    try await Task.sleep(until: began + Limits.mirrorLinger, clock: .continuous)
                }
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                observer.dutyFailed("mirror", error)
                try await Task.sleep(for: backoff.next())
            }
        }
    }
}
