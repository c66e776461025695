import TallyCore

/// How the cancellation of a job ended that was meant only while it waits.
package enum WaitingOutcome: Hashable, Sendable {
    /// It will never start again; where there is a ledger, its row says so.
    case cancelled
    /// A worker has it by now, and goes on: it was told nothing.
    case running
    /// It had ended before, and nothing changed.
    case ended(JobStatus)
    /// Neither store has a job of this id on the queue's shard. Nothing was written.
    case notFound
    /// The ledger did not follow in time, or somebody's open transaction holds its row: it may be cancelled or not.
    case uncertain(String)
    /// A store cannot be reached or used, which others will meet as well: it may be cancelled or not.
    case away(String)
    /// Whoever asked for it wanted no more before the ledger had said so: it may be cancelled or not.
    case stopped
}

extension Canceller {
    /// Cancels those of one queue that wait, up to `Limits.jobsPerCall` in one call of the shard that the queue lives
    /// on. It tries and may be repeated as `report` is.
    ///
    /// - Parameter held: what calls before this one have met; where it is the table, no further call helps.
    /// - Parameter isStopped: whether the caller wants no more; asked between two jobs, since each of them may be
    ///   waited for.
    /// - Throws: what the caller has done wrong, such as `.closed`; `CancellationError`.
    package func cancelWaiting(
        _ ids: [JobID], of name: QueueName, held: inout HeldInRow,
        isStopped: @escaping @Sendable () -> Bool = { false }
    ) async throws -> [JobID: WaitingOutcome] {
        let store = queue.shard(of: name)
        var turn = WaitingTurn(open: ids, held: held, isStopped: isStopped)
        defer { held = turn.held }
        let end = patience.map { ContinuousClock.now + $0 }
        for round in 0..<Limits.cancelTries where !turn.open.isEmpty {
            if round > 0 {
                if let end, end < .now { break }
                try await Task.sleep(for: Limits.cancelPause)
            }
            turn.away = nil
            do {
                try await attempt(&turn, store)
            } catch {
                guard let met = Moved(error) else { throw error }
                turn.away = met.why
                if met.isForGood || turn.held.isTable { break }
            }
            if turn.isStopped() { break }
        }
        turn.end()
        return turn.outcomes
    }

    /// One try for all that are open still; what has moved in between stays open.
    private func attempt(_ turn: inout WaitingTurn, _ store: QueueStore) async throws {
        turn.met = [:]
        // Before the answers: an epoch read after them may be one that knows nothing of their tombstones.
        let epoch = try await store.enqueueing.stamp().epoch
        let ids = turn.open
        let answers = try await store.control.cancelWaiting(ids, tombstones: [:], issued: nil)
        var unknown: [JobID] = []
        for (id, answer) in zip(ids, answers) {
            if answer == .unknown {
                unknown.append(id)
            } else {
                try await take(answer, of: id, knownEpoch: epoch, &turn, store.part.shard)
            }
        }
        if unknown.isEmpty || turn.isStopped() { return }
        guard let ledger else {
            for id in unknown { turn.settle(id, .notFound) }
            return
        }
        let issued = try await store.enqueueing.stamp()  // before the ledger is read
        let rows = try await ledger.reconciliation.views(unknown)
        var versions: [JobID: Int] = [:]
        for id in unknown {
            guard let row = rows[id] else {
                turn.settle(id, .notFound)
                continue
            }
            if row.hasHeldChanges {
                turn.met[id] = CancelStep.waiting
            } else if row.status == .cancelled {
                turn.settle(id, .cancelled)
            } else if row.status.isTerminal {
                turn.settle(id, .ended(row.status))
            } else if store.part.holds(row.queue) {
                versions[id] = row.version
            }
        }
        let known = unknown.filter { versions[$0] != nil }
        let ends = try await store.control.cancelWaiting(known, tombstones: versions, issued: issued)
        for (id, answer) in zip(known, ends) {
            if issued.epoch == 0 { turn.met[id] = CancelStep.held }
            try await take(answer, of: id, knownEpoch: issued.epoch, &turn, store.part.shard)
        }
    }

    /// What Redis answered of one job: it settles the job, or the ledger is waited for, or another try is made.
    ///
    /// - Parameter knownEpoch: one that knew of an end which is told as one of before.
    private func take(
        _ answer: CancelWaitingAnswer, of id: JobID, knownEpoch: Int64, _ turn: inout WaitingTurn,
        _ shard: Shard
    ) async throws {
        switch answer {
        case .processing: turn.settle(id, .running)
        case .cancelled(let version, let epoch):
            try await recordEnd(of: id, version: version, epoch: epoch, &turn, shard)
        case .ended(.cancelled, let version):
            // Cancelled a moment ago, perhaps by a caller that died before the ledger said so.
            try await recordEnd(of: id, version: version, epoch: knownEpoch, &turn, shard)
        case .ended(let status, _): turn.settle(id, .ended(status))
        case .unknown, .refused: break
        }
    }

    /// Sees that the ledger has the end of one that was cancelled.
    ///
    /// One whose row somebody's open transaction holds stays open, and is tried again once the others were.
    ///
    /// - Throws: what the ledger throws, also of a held row where it is the table by now.
    private func recordEnd(
        of id: JobID, version: Int, epoch: Int64, _ turn: inout WaitingTurn, _ shard: Shard
    ) async throws {
        if turn.isStopped() { return }
        do {
            let step = try await record(id, version, epoch, shard)
            turn.held.pass()
            turn.keep(step, of: id)
        } catch let error as LedgerError where error.isRowHeld {
            if turn.held.meet(id) { throw error }
            turn.met[id] = error.told
        }
    }
}

/// What is known of the jobs of one call so far.
private struct WaitingTurn {
    var open: [JobID]
    /// The rows that somebody held, one after the other.
    var held: HeldInRow
    var outcomes: [JobID: WaitingOutcome] = [:]
    /// What those that stay open have met in the last try; where it is not said they kept racing.
    var met: [JobID: String] = [:]
    /// What a store said that refused or did not answer in the last try.
    var away: String?
    /// Whether the caller wants no more.
    let isStopped: @Sendable () -> Bool

    init(open: [JobID], held: HeldInRow, isStopped: @escaping @Sendable () -> Bool) {
        self.open = open
        self.held = held
        self.isStopped = isStopped
    }

    mutating func settle(_ id: JobID, _ outcome: WaitingOutcome) {
        outcomes[id] = outcome
        open.removeAll { $0 == id }
    }

    /// What came of seeing that the ledger has a job's end.
    mutating func keep(_ step: CancelStep, of id: JobID) {
        switch step.outcome {
        case .success(.ended(let status)): settle(id, .ended(status))
        case .success: settle(id, .cancelled)
        case .failure(let moved): met[id] = moved.why
        }
    }

    /// No further try is made: what is open stays so.
    mutating func end() {
        let other = isStopped() ? WaitingOutcome.stopped : .uncertain(CancelStep.racing)
        for id in open {
            outcomes[id] = away.map { .away($0) } ?? met[id].map { .uncertain($0) } ?? other
        }
    }
}
