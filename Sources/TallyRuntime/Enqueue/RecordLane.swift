import Synchronization
import TallyCore

/// Group commit of recorded jobs: concurrent callers share one statement and one outbox row. The first ships at once;
/// what arrives while flushes are under way forms the next. Callers return right after the commit; the push and the
/// outbox row's end follow behind.
final class RecordLane: Sendable {
    private struct Waiting {
        var job: JobRecord
        var caller: CheckedContinuation<Result<Receipt, EnqueueError>, Never>
    }
    private struct State {
        var waiting: [Waiting] = []
        var flushes = 0
        var onIdle: [CheckedContinuation<Void, Never>] = []
        /// Until then no push is tried: the queue did not answer, and commits must not wait for it.
        var pushAgainAt = ContinuousClock.now
    }

    private let queue: any QueueDriver
    private let ledger: any LedgerDriver
    private let observer: any JobObserver
    private let state = Mutex(State())

    init(queue: any QueueDriver, ledger: any LedgerDriver, observer: any JobObserver) {
        self.queue = queue
        self.ledger = ledger
        self.observer = observer
    }

    func enqueue(_ job: JobRecord) async -> Result<Receipt, EnqueueError> {
        await withCheckedContinuation { caller in
            let start = state.withLock { state in
                state.waiting.append(Waiting(job: job, caller: caller))
                guard state.flushes < Limits.recordFlushes else { return false }
                state.flushes += 1
                return true
            }
            // Owned by this lane: `drain` waits for it.
            if start { Task.detached { await self.flushAll() } }
        }
    }

    /// One transaction of its own: all of them or none.
    func enqueue(together jobs: [JobRecord]) async throws(EnqueueError) -> [Receipt] {
        let issued = try? await queue.stamp()  // no stamp, no push of ours: the relay pushes
        let receipt: RecordReceipt
        do {
            receipt = try await ledger.record(jobs)
        } catch {
            throw EnqueueError(error, jobs[0].id)
        }
        await push(jobs, receipt, issued)
        return try zip(jobs, receipt.answers).map { job, answer throws(EnqueueError) in
            try Self.receipt(job, answer).get()
        }
    }

    /// Until nothing is under way.
    func drain() async {
        await withCheckedContinuation { caller in
            let idle = state.withLock { state in
                if state.flushes == 0 { return true }
                state.onIdle.append(caller)
                return false
            }
            if idle { caller.resume() }
        }
    }

    private func flushAll() async {
        while true {
            let batch = state.withLock { state in
                let count = min(state.waiting.count, Limits.recordFlush)
                let batch = Array(state.waiting.prefix(count))
                state.waiting.removeFirst(count)
                if batch.isEmpty { state.flushes -= 1 }
                return batch
            }
            if batch.isEmpty { break }
            await flush(batch)
        }
        let callers = state.withLock { state in
            guard state.flushes == 0 else { return [CheckedContinuation<Void, Never>]() }
            let callers = state.onIdle
            state.onIdle = []
            return callers
        }
        for caller in callers { caller.resume() }
    }

    private func flush(_ batch: [Waiting]) async {
        let jobs = batch.map(\.job)
        let issued = try? await queue.stamp()  // no stamp, no push of ours: the relay pushes
        do {
            let receipt = try await ledger.record(jobs)
            for (waiting, answer) in zip(batch, receipt.answers) {
                waiting.caller.resume(returning: Self.receipt(waiting.job, answer))
            }
            await push(jobs, receipt, issued)
        } catch {
            if error.code == .refused, batch.count > 1 {
                // Refused for data: nobody fails for a neighbour.
                for waiting in batch { await flush([waiting]) }
                return
            }
            for waiting in batch {
                waiting.caller.resume(returning: .failure(EnqueueError(error, waiting.job.id)))
            }
        }
    }

    /// Once, right after the commit. Whatever goes wrong here, the outbox row stays and the relay takes over.
    private func push(_ jobs: [JobRecord], _ receipt: RecordReceipt, _ issued: Issued?) async {
        guard let outbox = receipt.outbox, let issued else { return }
        if state.withLock({ $0.pushAgainAt > .now }) { return }
        let new = zip(jobs, receipt.answers).compactMap { $1 == .recorded ? Push($0, isRecorded: true) : nil }
        do {
            for chunk in new.pages(of: Limits.jobsPerCall) {
                let answers = try await queue.push(chunk, issued: issued, at: nil)
                if answers.contains(where: { $0 == .full || $0 == .refused }) { return }
            }
            try await ledger.finishOutbox(outbox)
        } catch {
            observer.dutyFailed("push after commit", error)
            state.withLock { $0.pushAgainAt = .now + Limits.relayAge }
        }
    }

    private static func receipt(_ job: JobRecord, _ answer: RecordReceipt.Answer) -> Result<
        Receipt, EnqueueError
    > {
        switch answer {
        case .recorded: .success(Receipt(id: job.id, existed: false, durability: .recorded))
        case .exists(same: true): .success(Receipt(id: job.id, existed: true, durability: .recorded))
        case .exists(same: false): .failure(.idConflict(job.id))
        case .duplicate(let holder): .success(Receipt(id: holder, existed: true, durability: .recorded))
        }
    }
}
