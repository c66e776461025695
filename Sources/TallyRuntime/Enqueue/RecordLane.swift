import Synchronization
import TallyCore

/// Group commit of recorded jobs of one shard: concurrent callers share one statement and an outbox row a queue. The
/// first ships at once; what arrives while flushes are under way forms the next. Callers return right after the
/// commit; the push and the outbox row's end follow behind.
final class RecordLane: Sendable {
    struct Waiting: Sendable {
        var job: JobRecord
        var caller: CheckedContinuation<Result<Receipt, EnqueueError>, Never>
    }
    private struct Asking {
        var onIdle: [CheckedContinuation<Void, Never>] = []
        /// Until then the queue is not asked: it did not answer, and commits must not wait for it.
        var askAgainAt = ContinuousClock.now
        /// Questions to the queue that are under way, and those of them that nobody waits for any more.
        var asked: Set<Int> = []
        var late: Set<Int> = []
        var lastAsked = 0
    }

    private let queue: any Enqueueing
    private let part: ShardPart
    private let keyHomes: (any QueueKeyHomes)?
    private let ledgerKeyHomes: (any LedgerKeyHomes)?
    private let recording: any Recording
    private let outbox: any LedgerOutbox
    private let observer: any JobObserver
    private let patience: Duration?
    private let commit: GroupLane<Waiting>
    /// What one commit holds, and how many callers may wait for theirs.
    static let bounds = GroupLane<Waiting>.Commit.Bounds(
        count: Limits.recordFlush, bytes: Limits.recordFlushBytes, shippers: Limits.recordFlushes,
        waiting: Limits.callsWaiting, waitingBytes: Limits.callsWaitingBytes)
    private let asking = Mutex(Asking())
    /// Queues whose keys are known to be the ledger's, in this epoch of the queue.
    private let claimed = Mutex<(epoch: Int64, queues: Set<QueueName>)>((0, []))

    /// - Parameter patience: how long a commit waits for the queue. nil = for as long as it takes, and a queue that
    ///   failed is asked again at once: a schedule that stops calls has no time on the wall.
    init(
        queue: QueueStore, ledger: LedgerStore, observer: any JobObserver, patience: Duration?,
        bounds: GroupLane<Waiting>.Commit.Bounds = RecordLane.bounds
    ) {
        self.patience = patience
        // Before its callers: a batch that has committed wakes hundreds of them, and what a shipper still has to do
        // would stand in line behind all they do.
        commit = GroupLane(bounds, priority: .high)
        self.queue = queue.enqueueing
        part = queue.part
        keyHomes = queue.keyHomes
        ledgerKeyHomes = ledger.keyHomes
        recording = ledger.recording
        outbox = ledger.outbox
        self.observer = observer
    }

    func enqueue(_ job: JobRecord) async -> Result<Receipt, EnqueueError> {
        await withCheckedContinuation { caller in
            let isAdded = commit.add(Waiting(job: job, caller: caller), bytes: job.body.count) { [self] in
                await flush($0)
            }
            if !isAdded { caller.resume(returning: .failure(Self.full)) }
        }
    }

    private static let full = EnqueueError.full(
        "as many enqueues as may already wait in this process for Postgres; enqueue again once some of them are "
            + "answered, and have fewer under way at a time")

    /// Returns once so many jobs were let in to wait for a commit since the beginning, whether or not they had it.
    func untilWaited(_ count: Int) async { await commit.untilAdded(count) }

    /// Before jobs with unique keys are recorded: makes sure that the ledger keeps the keys of their queues. A queue
    /// that cannot be asked now does not keep them from being recorded; the ledger then goes by what the mirror told
    /// it, and the relay pushes them, once it has asked.
    func claimKeys(of jobs: [JobRecord]) async throws(EnqueueError) {
        guard !jobs.isEmpty, let keyHomes else { return }
        let epoch = await stamp()?.epoch ?? 0
        let unknown = claimed.withLock { known in
            jobs.filter { epoch == 0 || known.epoch != epoch || !known.queues.contains($0.queue) }
        }
        if unknown.isEmpty { return }
        let ledger = ledgerKeyHomes
        let answer = await ask { try await keyHomes.asked(ledger) { try await $0.claimKeys(of: unknown) } }
        guard let homes = answer ?? nil else { return }
        for (job, home) in zip(unknown, homes) where home == .queue {
            throw .keysElsewhere(job.queue, .queued)
        }
        claimed.withLock { known in
            if known.epoch != epoch || known.queues.count >= Limits.maxPage { known = (epoch, []) }
            known.queues.formUnion(unknown.map(\.queue))
        }
    }

    /// One transaction of its own, whatever the number of shards: all of them or none; the first that is refused is
    /// what is thrown. The pushes follow, shard by shard.
    ///
    /// - Parameter lanes: of the shards that these jobs go to.
    static func enqueue(
        together jobs: [JobRecord], over lanes: [RecordLane]
    ) async throws(EnqueueError) -> [Receipt] {
        let issued = await each(of: lanes) { await $0.stamp() }
        let receipt: RecordReceipt
        do {
            receipt = try await lanes[0].recording.record(jobs, together: true)
        } catch {
            throw EnqueueError(error, jobs[0].id)
        }
        let receipts = try zip(jobs, receipt.answers).map { $1.receipt(of: $0) }.receipts()
        let pushed = await each(of: lanes) { lane in
            let own = issued.first { $0.lane === lane }.flatMap(\.answer)
            return await lane.push(jobs, receipt, own)
        }
        // An outbox row is not told from its neighbours: those of a call go together.
        if pushed.allSatisfy(\.answer) { await lanes[0].finish(receipt) }
        return receipts
    }

    /// Until nothing is under way.
    func drain() async {
        await commit.drain()
        await withCheckedContinuation { caller in
            let isIdle = asking.withLock { state in
                if state.asked.isEmpty { return true }
                state.onIdle.append(caller)
                return false
            }
            if isIdle { caller.resume() }
        }
    }

    private func flush(_ batch: [Waiting]) async {
        let jobs = batch.map(\.job)
        let issued = await stamp()
        do {
            let receipt = try await recording.record(jobs)
            for (waiting, answer) in zip(batch, receipt.answers) {
                let own = answer.receipt(of: waiting.job)
                waiting.caller.resume(
                    returning: own ?? .failure(.refused("withheld, though it was on its own")))
            }
            if await push(jobs, receipt, issued) { await finish(receipt) }
        } catch {
            if error.code == .refused || error.code == .invalid, batch.count > 1 {
                // Refused for data: nobody fails for a neighbour.
                for waiting in batch { await flush([waiting]) }
                return
            }
            for waiting in batch {
                waiting.caller.resume(returning: .failure(EnqueueError(error, waiting.job.id)))
            }
        }
    }

    /// All at once: a shard that hangs keeps no other waiting.
    private static func each<Answer: Sendable>(
        of lanes: [RecordLane], _ body: @escaping @Sendable (RecordLane) async -> Answer
    ) async -> [(lane: RecordLane, answer: Answer)] {
        if lanes.count == 1 { return [(lanes[0], await body(lanes[0]))] }
        return await lanes.askedAtOnce { ($0, await body($0)) }
    }

    /// The queue's word on the time, to be had before the ledger is written. Without one no push is ours: the relay
    /// pushes.
    private func stamp() async -> Issued? {
        let queue = self.queue
        return await ask { try await queue.stamp() }
    }

    /// Whether no job of mode queued can have its key: else the relay asks before it pushes.
    private func isClaimed(_ job: JobRecord, in epoch: Int64) -> Bool {
        if job.unique == nil || keyHomes == nil { return true }
        return claimed.withLock { $0.epoch == epoch && $0.queues.contains(job.queue) }
    }

    /// Those of this shard, once, right after the commit. Whatever goes wrong here, the outbox row stays and the
    /// relay takes over. True: the queue has all of them.
    private func push(_ jobs: [JobRecord], _ receipt: RecordReceipt, _ issued: Issued?) async -> Bool {
        guard !receipt.outboxes.isEmpty, let issued else { return false }
        var new: [Push] = []
        var isAll = true
        for index in jobs.indices where receipt.answers[index] == .recorded && part.holds(jobs[index].queue) {
            if isClaimed(jobs[index], in: issued.epoch) {
                new.append(Push(jobs[index], isRecorded: true))
            } else {
                isAll = false
            }
        }
        if new.isEmpty { return isAll }
        let queue = self.queue
        let isPushed = await ask { [new, isAll] in
            var isDone = isAll
            for chunk in new.calls() {
                let answers = try await queue.push(chunk, issued: issued)
                // The jobs of a full queue stay for the relay; those of the others go on.
                if answers.contains(where: \.staysRecorded) { isDone = false }
            }
            return isDone
        }
        return isPushed == true
    }

    private func finish(_ receipt: RecordReceipt) async {
        do { try await outbox.finishOutbox(receipt.outboxes) } catch {
            observer.dutyFailed("push after commit", error)
        }
    }

    /// Asks the queue, for `patience` at most: a queue that hangs holds no commit. Until it has answered,
    /// and for a while after a failure, it is not asked again. nil = it was not asked, it failed, or it is late.
    private func ask<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async -> Value? {
        let id = asking.withLock { state -> Int? in
            if state.askAgainAt > .now || !state.late.isEmpty { return nil }
            state.lastAsked += 1
            state.asked.insert(state.lastAsked)
            return state.lastAsked
        }
        guard let id else { return nil }
        guard let patience else { return await asked(id, body) }
        if let answer = await within(patience, { [self] in await asked(id, body) }) { return answer }
        asking.withLock { if $0.asked.contains(id) { $0.late.insert(id) } }
        return nil
    }

    /// The question itself; whoever waits for the lane to be idle hears of its end.
    private func asked<Value: Sendable>(_ id: Int, _ body: () async throws -> Value) async -> Value? {
        let answer: Value?
        do {
            answer = try await body()
        } catch {
            answer = nil
            observer.dutyFailed("push after commit", error)
            // What is wrong with these jobs keeps nobody else's waiting.
            if patience != nil, (error as? QueueError)?.isOfThisCall != true {
                asking.withLock { $0.askAgainAt = .now + Limits.relayAge }
            }
        }
        let idle = asking.withLock { state in
            state.asked.remove(id)
            state.late.remove(id)
            guard state.asked.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.onIdle = [] }
            return state.onIdle
        }
        for caller in idle { caller.resume() }
        return answer
    }
}

extension PushAnswer {
    /// The queue takes the job later: its outbox row stays.
    fileprivate var staysRecorded: Bool { self == .full || self == .refused || self == .layoutNotRaised }
}
