import Synchronization
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
    /// A store cannot be reached or used, or the ledger did not follow in time: it may be cancelled or not. The text
    /// says why; ask again once that is mended.
    case uncertain(String)
}

/// How a cancellation ended, and of several shards where.
package struct CancelReport: Sendable {
    /// Of all shards together: what tells a job to stop counts more than what says that one had ended.
    package var outcome: CancelOutcome
    /// Of several, those that knew the id, in order. More than one where it was enqueued into queues of several.
    package var shards: [(shard: Shard, outcome: CancelOutcome)] = []
    /// Of several, those that could not be asked: a job of this id there goes on.
    package var unread: [Shard] = []
    /// Of several, those that were asked and have not answered, or whose answer was lost: a job of this id may be
    /// cancelled there, and asking again tells.
    package var unanswered: [Shard] = []
    /// Whether there are several.
    package var isSharded = false
    /// Every shard has said what it has of the id.
    package var isWhole: Bool { unread.isEmpty && unanswered.isEmpty }
}

/// Cancels: Redis is asked first; an id that it does not hold is looked up in the ledger. Of several shards all are
/// asked at once, for each takes an id of mode queued for itself, and the ledger knows the job of one queue. The
/// shard of that queue is waited for, the others for a moment; where the ledger has no row all are waited for, until
/// one knows the job.
package struct Canceller: Sendable {
    let queue: ShardedQueue
    let ledger: LedgerStore?
    let patience: Duration?

    /// Without a ledger only the queue is asked.
    ///
    /// - Parameter patience: once it is over no further try begins; nil = however long the tries take, in a schedule
    ///   that decides itself when a call goes on.
    package init(
        queue: any ShardedDriver, ledger: (any LedgerDriver)?, patience: Duration? = Limits.cancelPatience
    ) {
        self.queue = queue.sharded
        self.ledger = ledger?.store
        self.patience = patience
    }

    /// `report` without where.
    package func cancel(_ id: JobID) async throws -> CancelOutcome { try await report(id).outcome }

    /// Cancels one job, and tries for about a second where it moves between the two stores or one of them is away;
    /// a store that hangs, or that no waiting mends, is not asked again and again. May be repeated: a job that is
    /// cancelled already answers `.cancelled`. What a store has met is `.uncertain`, beside what others have done.
    ///
    /// - Throws: what the caller has done wrong, such as `.closed`; `CancellationError`.
    package func report(_ id: JobID) async throws -> CancelReport {
        var last = Moved(why: CancelStep.racing)
        let end = patience.map { ContinuousClock.now + $0 }
        for round in 0..<Limits.cancelTries {
            if round > 0 {
                if let end, end < .now { break }
                try await Task.sleep(for: Limits.cancelPause)
            }
            // What shards have said in a try before stays true where this one gets no further.
            let told = last.report
            do {
                switch try await attempt(id) {
                case .success(let report): return report
                case .failure(let moved): last = moved
                }
            } catch {
                guard let moved = Moved(error) else { throw error }
                last = moved
            }
            last.report = last.report ?? told
            if last.isForGood { break }
        }
        var report = last.report ?? CancelReport(outcome: .notFound, isSharded: queue.map.count > 1)
        report.outcome = .uncertain(last.why)
        return report
    }

    /// A failure = something moved in between: start over.
    private func attempt(_ id: JobID) async throws -> Result<CancelReport, Moved> {
        if queue.shards.count == 1 {
            return try await attempt(id, queue.shards[0]).outcome.map { CancelReport(outcome: $0) }
        }
        let row = try await ledger?.reconciliation.views([id])[id]
        let own = row.map { queue.map.shard(of: $0.queue) }
        let asked = Asked()
        // Owned by nobody: one that hangs is left behind, and what it was told holds once it goes on.
        let tasks = queue.shards.map { store in
            Task { [self] in await asked.keep(store.part.shard, answer(of: store, id, own)) }
        }
        if let own { await tasks[Int(own.number)].value }
        let isComplete = await within(Limits.otherShards) {
            for task in tasks { await task.value }
            return true
        }
        if isComplete == nil, own == nil, !asked.isKnown { for task in tasks { await task.value } }
        return try asked.report(queue.map, own)
    }

    /// The shard of the job's queue brings the ledger with it; the others say what they themselves have.
    private func answer(of store: QueueStore, _ id: JobID, _ own: Shard?) async -> Asked.Answer {
        do {
            if own == nil || own == store.part.shard { return .success(try await attempt(id, store)) }
            switch try await store.control.cancel(id, tombstone: nil) {
            case .cancelling: return .success(.ended(.cancelling))
            case .cancelled, .ended(.cancelled, _): return .success(.ended(.cancelled))
            case .ended(let status, _): return .success(.ended(.ended(status)))
            case .unknown, .refused: return .success(.ended(.notFound))
            }
        } catch {
            return .failure(error)
        }
    }

    private func attempt(_ id: JobID, _ queue: QueueStore) async throws -> CancelStep {
        let shard = queue.part.shard
        // Before the answer: an epoch read after it may be one that knows nothing of this tombstone.
        let epoch = try await queue.enqueueing.stamp().epoch
        switch try await queue.control.cancel(id, tombstone: nil) {
        case .cancelling: return .ended(.cancelling)
        case .cancelled(let version, let epoch): return try await record(id, version, epoch, shard)
        case .ended(.cancelled, let version):
            // Cancelled a moment ago, perhaps by a caller that died before the ledger said so.
            return try await record(id, version, epoch, shard)
        case .ended(let status, _): return .ended(.ended(status))
        case .refused: return .moved(CancelStep.racing)
        case .unknown: break
        }
        guard let ledger else { return .ended(.notFound) }
        let issued = try await queue.enqueueing.stamp()  // before the ledger is read
        guard let row = try await ledger.reconciliation.views([id])[id] else { return .ended(.notFound) }
        // Recorded a moment ago, for another shard.
        if !queue.part.holds(row.queue) { return .moved(CancelStep.racing) }
        // It may have ended: its row does not say so yet.
        if row.hasHeldChanges { return .moved(CancelStep.waiting) }
        if row.status == .cancelled { return .ended(.cancelled) }
        if row.status.isTerminal { return .ended(.ended(row.status)) }
        switch try await queue.control.cancel(id, tombstone: (row.version, issued)) {
        case .cancelled(let version, let epoch): return try await record(id, version, epoch, shard)
        case .cancelling: return .ended(.cancelling)
        case .refused where issued.epoch == 0: return .moved(CancelStep.held)
        case .ended, .unknown, .refused: return .moved(CancelStep.racing)
        }
    }

    /// A cancellation is acknowledged once the ledger says so too: Redis alone could forget it.
    func record(
        _ id: JobID, _ version: Int, _ epoch: Int64, _ shard: Shard
    ) async throws -> CancelStep {
        guard let ledger else { return .ended(.cancelled) }
        switch try await ledger.control.recordCancel(id, version: version, epoch: epoch, shard: shard) {
        case .cancelled, .ended(.cancelled): return .ended(.cancelled)
        case .ended(let status): return .inQueueOnly(row: .ended(status))
        case .raced: return .inQueueOnly(row: nil)
        // a queued job that the mirror has not written yet: its log entries say it
        case .notFound: return .ended(.cancelled)
        }
    }
}

/// How one try ended on one shard.
enum CancelStep: Sendable {
    case ended(CancelOutcome)
    /// Something moved in between, or is not as it must be yet; why.
    case moved(String)
    /// The queue has cancelled it, and the row says that it had ended otherwise; nil = that it has moved since.
    case inQueueOnly(row: CancelOutcome?)

    static let racing = "kept racing"
    static let ahead = "the queue has cancelled it, and the ledger does not follow: does `tally serve` run?"
    static let waiting = "what became of it waits in the ledger until its row is free"
    static let held = "the queue takes no changes of recorded jobs until `tally serve` has opened it"

    /// A failure = start over.
    var outcome: Result<CancelOutcome, Moved> {
        switch self {
        case .ended(let outcome): .success(outcome)
        case .moved(let why): .failure(Moved(why: why))
        case .inQueueOnly(let row?): .success(row)
        case .inQueueOnly(nil): .failure(Moved(why: Self.ahead))
        }
    }
}

/// Why a try has to start over.
struct Moved: Error {
    let why: String
    /// Of several shards what the others said.
    var report: CancelReport?
    /// No further try finds it otherwise: somebody has to act first.
    var isForGood = false
}

extension Moved {
    /// What a store has met, whose servers, keys and rights are no fault of the caller: another shard may have
    /// cancelled all the same, so it is told and not thrown. nil = the caller's fault, or its task was cancelled.
    init?(_ error: any Error, report: CancelReport? = nil) {
        let mayRetry: Bool
        switch error {
        case let error as QueueError:
            switch error.code {
            case .unavailable, .uncertain, .full, .wrongServer, .damaged: mayRetry = error.mayRetry
            case .closed, .invalidLease, .unsupported, .invalid, .cancelled: return nil
            }
        case let error as LedgerError:
            switch error.code {
            case .unavailable, .uncertain, .transient, .refused, .denied, .schema: mayRetry = error.mayRetry
            case .closed, .unsupported, .invalid, .cancelled: return nil
            }
        default: return nil
        }
        self.init(why: (error as? LedgerError)?.told ?? "\(error)", report: report, isForGood: !mayRetry)
    }
}

/// What the shards have answered so far.
private final class Asked: Sendable {
    typealias Answer = Result<CancelStep, any Error>
    private let answers = Mutex<[Shard: Answer]>([:])

    func keep(_ shard: Shard, _ answer: Answer) { answers.withLock { $0[shard] = answer } }

    /// Whether one of them has the job.
    var isKnown: Bool { answers.withLock { answers in answers.values.contains(where: Self.isKnown) } }

    private static func isKnown(_ answer: Answer) -> Bool {
        switch answer {
        case .success(.ended(let outcome)): outcome != .notFound
        case .success(.inQueueOnly): true
        case .success(.moved), .failure: false
        }
    }

    /// Whether the job may be cancelled where this was met: a function that broke off may have written a part, and
    /// the ledger is told once the queue has cancelled.
    private static func mayHaveHappened(_ error: any Error) -> Bool {
        guard let error = error as? QueueError else { return true }
        return error.code == .uncertain || error.code == .damaged
    }

    /// - Parameter own: whose answer must be there; nil = the ledger does not know the job.
    /// - Returns: a failure = start over.
    /// - Throws: what the caller has done wrong.
    func report(_ map: ShardMap, _ own: Shard?) throws -> Result<CancelReport, Moved> {
        let answers = answers.withLock { $0 }
        // Of an id that is a job on several the row does not tell which of them has moved or ended.
        let isTwice = answers.values.count(where: Self.isKnown) > 1
        var report = CancelReport(outcome: .notFound, isSharded: true)
        var moved: Moved?
        // What own has met, or what any has met of the ledger: of that it is not known what it has heard.
        var failure: (any Error)?
        var other: (any Error)?
        for shard in map.shards {
            switch answers[shard] {
            case .success(.inQueueOnly)? where isTwice: report.shards.append((shard, .cancelled))
            case .success(let step)?:
                switch step.outcome {
                case .success(.notFound): break
                case .success(let outcome): report.shards.append((shard, outcome))
                case .failure(let why): moved = moved ?? why
                }
            case .failure(let error)?:
                if shard == own || !(error is QueueError) {
                    failure = failure ?? error
                } else {
                    other = other ?? error
                }
                if Self.mayHaveHappened(error) {
                    report.unanswered.append(shard)
                } else {
                    report.unread.append(shard)
                }
            case nil: report.unanswered.append(shard)
            }
        }
        // Where no shard has the job, one that could not be asked may.
        if report.shards.isEmpty, moved == nil { failure = failure ?? other }
        if let failure {
            guard let met = Moved(failure, report: report) else { throw failure }
            return .failure(met)
        }
        if var moved {
            moved.report = report
            return .failure(moved)
        }
        let outcomes = report.shards.map(\.outcome)
        report.outcome =
            outcomes.first { $0 == .cancelling } ?? outcomes.first { $0 == .cancelled } ?? outcomes.first
            ?? .notFound
        return .success(report)
    }
}
