import TallyCore

extension Reconciler {
    /// Opens an epoch that is held, once the halves agree: compares what the rollback can have touched (S6), or
    /// everything where that is unknown, mends it, and looks again. Answers the number of repairs; nil if the epoch
    /// was not held, or another reconciler is at it.
    ///
    /// No cap: a Redis that lost its data is rebuilt whole, and a wrong pairing or an old dump has shown by then.
    public func openIfHeld() async throws -> Int? {
        switch try await open() {
        case .notHeld, .elsewhere: nil
        case .opened(let repairs), .stillHeld(let repairs): repairs
        }
    }

    private enum Opening {
        case notHeld
        /// Another reconciler is at it.
        case elsewhere
        case opened(repairs: Int)
        case stillHeld(repairs: Int)
    }

    private func open() async throws -> Opening {
        let history = try await queue.transitions.history()
        guard history.isHeld else { return .notHeld }
        var options = ReconcileOptions(.open)
        options.maxRepairs = .max
        var repairs = 0
        var left: [JobID]?
        for _ in 0..<Limits.openTries {
            let run: ReconcileRun
            do {
                (run, left) = try await compareAfterLoss(options, history, left)
            } catch is RepairLease.Taken {
                return .elsewhere
            }
            repairs += run.repaired
            if run.exitCode == 0, run.wasCompared {
                try await queue.transitions.open(epoch: history.epoch)
                return .opened(repairs: repairs)
            }
        }
        return .stillHeld(repairs: repairs)
    }

    /// Watches for a new epoch and opens it once the halves agree.
    func openingDuty() -> Duty {
        Duty(
            queue.part.name("open epoch"), pause: .afterStep(Limits.epochWatch), limit: Limits.openStep,
            silence: Limits.openSilence
        ) {
            switch try await open() {
            case .notHeld: return Duty.Step(0)
            case .elsewhere: return .elsewhere
            case .opened(let repairs): return Duty.Step(max(1, repairs))
            case .stillHeld: throw EpochStillHeld()
            }
        }
    }

    /// Answers the run, and which jobs to look at again; nil = at all. A job that was equal stays so: while the epoch
    /// is held nothing moves but what its workers end, and the mirror brings that.
    ///
    /// - Parameter left: only these; nil = all that the loss can have touched.
    private func compareAfterLoss(
        _ options: ReconcileOptions, _ history: QueueHistory, _ left: [JobID]?
    ) async throws -> (run: ReconcileRun, left: [JobID]?) {
        let ids: [JobID]
        if let left {
            ids = left
        } else if let window = try await window(history) {
            ids = window
        } else {
            return (try await pass(options), nil)
        }
        let end = try await recorded(options) { pass in
            if try await pass.checkPairing() { try await pass.sweepWindow(ids) }
        }
        return (end.run, end.run.wasCompared && end.run.inconclusive == 0 ? end.claimed.sorted() : nil)
    }

    /// S6: the jobs that can differ because the queue lost the tail of its data. nil = unknown: the queue was
    /// emptied, no longer has its last entry to tell when that was, or lost more than its tail.
    private func window(_ history: QueueHistory) async throws -> [JobID]? {
        guard let repair = ledger.repair, queue.structures != nil else {
            return nil
        }
        // The epoch's own first entry names where the one before it ended.
        let beginning = LogPosition(shard: history.shard, epoch: history.epoch, seq: 0)
        guard let entry = try await queue.transitions.log(after: beginning, limit: 1).first,
            entry.verb == .epoch, !entry.losesMore,
            let last = entry.predecessor, last.epoch > 0, last.seq > 0
        else { return nil }
        let before = LogPosition(shard: last.shard, epoch: last.epoch, seq: last.seq - 1)
        guard let kept = try await queue.transitions.log(after: before, limit: 1).first,
            kept.position == last,
            try await barrier.pass(history.end)
        else { return nil }
        // The clocks of both halves, and of the host that lost its data, may differ by so much.
        let since = kept.at - Limits.tombstone
        let ids = try await repair.window(
            after: last, before: history.epoch, since: since, limit: Limits.rollbackWindow + 1)
        return ids.count > Limits.rollbackWindow ? nil : ids.sorted()
    }
}

/// A round of `tally serve` came to a shard whose epoch nobody has opened yet: whoever opens it compares it.
struct EpochHeld: Error, CustomStringConvertible {
    let description = "the epoch is held: it is compared as it is opened"
}

/// The halves differ still, or could not be compared; nothing is leased meanwhile.
package struct EpochStillHeld: Error, CustomStringConvertible {
    /// The text of the alarm.
    package let description =
        "the epoch is still held: the halves differ or could not be compared; `tally reconcile` says why"
}
