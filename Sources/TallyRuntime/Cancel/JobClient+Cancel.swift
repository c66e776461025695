import TallyCore

/// How a cancellation ended.
public enum CancelOutcome: Hashable, Sendable {
    /// It will never start again; where there is a ledger, its row says so.
    case cancelled
    /// It is running and flagged: its worker stops it, unless it completes first.
    case cancelling
    /// It had ended before, and nothing changed.
    case ended(JobStatus)
    /// Neither store has a job of this id. Nothing was written.
    case notFound
    /// Redis cannot be reached, or the ledger did not follow in time: it may be cancelled or not. Ask again.
    case uncertain(String)
}

/// Cancels: Redis is asked first; an id that it does not hold is looked up in the ledger. Of several shards the
/// ledger says before that which one is asked: that of the job's queue. A job that it does not know yet is asked for
/// on all.
package struct Canceller: Sendable {
    private let queue: ShardedQueue
    private let ledger: LedgerStore?

    /// Without a ledger only the queue is asked.
    package init(queue: any ShardedDriver, ledger: (any LedgerDriver)?) {
        self.queue = queue.sharded
        self.ledger = ledger?.store
    }

    /// Cancels one job, and tries for about a second where it moves between the two stores or one of them is away.
    /// May be repeated: a job that is cancelled already answers `.cancelled`.
    ///
    /// - Throws: what a store refuses for good, such as `.wrongServer` or `.schema`; `CancellationError`.
    package func cancel(_ id: JobID) async throws -> CancelOutcome {
        var why = "kept racing"
        for round in 0..<Limits.cancelTries {
            if round > 0 { try await Task.sleep(for: Limits.cancelPause) }
            do {
                if let outcome = try await attempt(id) { return outcome }
            } catch let error as QueueError where error.mayRetry {
                why = error.description
            } catch let error as LedgerError where error.mayRetry {
                why = error.description
            }
        }
        return .uncertain(why)
    }

    /// nil = something moved in between: start over.
    private func attempt(_ id: JobID) async throws -> CancelOutcome? {
        if queue.shards.count == 1 { return try await attempt(id, queue.shards[0]) }
        if let row = try await ledger?.reconciliation.views([id])[id] {
            return try await attempt(id, queue.shard(of: row.queue))
        }
        var failure: (any Error)?
        for shard in queue.shards {
            do {
                // Only where no shard knows it, and every one was asked, is it not found.
                let outcome = try await attempt(id, shard)
                if outcome != .notFound { return outcome }
            } catch let error as QueueError where error.code != .cancelled {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return .notFound
    }

    private func attempt(_ id: JobID, _ queue: QueueStore) async throws -> CancelOutcome? {
        let shard = queue.part.shard
        // Before the answer: an epoch read after it may be one that knows nothing of this tombstone.
        let epoch = try await queue.enqueueing.stamp().epoch
        switch try await queue.control.cancel(id, tombstone: nil) {
        case .cancelling: return .cancelling
        case .cancelled(let version, let epoch): return try await record(id, version, epoch, shard)
        case .ended(.cancelled, let version):
            // Cancelled a moment ago, perhaps by a caller that died before the ledger said so.
            return try await record(id, version, epoch, shard)
        case .ended(let status, _): return .ended(status)
        case .refused: return nil
        case .unknown: break
        }
        guard let ledger else { return .notFound }
        let issued = try await queue.enqueueing.stamp()  // before the ledger is read
        guard let row = try await ledger.reconciliation.views([id])[id] else { return .notFound }
        if !queue.part.holds(row.queue) { return nil }  // recorded a moment ago, for another shard
        if row.hasHeldChanges { return nil }  // it may have ended: its row does not say so yet
        if row.status == .cancelled { return .cancelled }
        if row.status.isTerminal { return .ended(row.status) }
        switch try await queue.control.cancel(id, tombstone: (row.version, issued)) {
        case .cancelled(let version, let epoch): return try await record(id, version, epoch, shard)
        case .cancelling: return .cancelling
        case .ended, .unknown, .refused: return nil
        }
    }

    /// A cancellation is acknowledged once the ledger says so too: Redis alone could forget it.
    private func record(
        _ id: JobID, _ version: Int, _ epoch: Int64, _ shard: Shard
    ) async throws -> CancelOutcome? {
        guard let ledger else { return .cancelled }
        switch try await ledger.control.recordCancel(id, version: version, epoch: epoch, shard: shard) {
        case .cancelled, .ended(.cancelled): return .cancelled
        case .ended(let status): return .ended(status)
        case .raced: return nil
        // a queued job that the mirror has not written yet: its log entries say it
        case .notFound: return .cancelled
        }
    }
}
