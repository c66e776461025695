import Synchronization
import TallyCore

/// How a run ended, on its way to the queue.
struct OwedSettlement: Sendable {
    var settlement: Settlement
    /// The end of the lease as the handler ended: until then it is worth trying.
    var deadline: ContinuousClock.Instant
    /// What it has met of keys that the queue broke off at.
    var damage = MetDamage()
    /// What the queue said; the last error where it never took the end.
    var done: @Sendable (Result<SettleAnswer, QueueError>) -> Void
    /// The end of the lease by now: heartbeats extend it also while the queue does not take the end. nil = nobody
    /// extends it.
    var extended: @Sendable () -> ContinuousClock.Instant? = { nil }

    var leaseEnd: ContinuousClock.Instant { extended() ?? deadline }
}

/// Gathers endings for a moment and sends them in one call. One flush is under way at a time, so what ends meanwhile
/// forms the next. A store that is away is retried until the lease is over: a completion is not lost to a blip.
final class SettleLane: Sendable {
    private let queue: any Leasing
    private let observer: any JobObserver
    /// Without the linger, batches shrink to one or two, at ten times the cost a job. Its shippers go before nobody:
    /// an answer wakes the middleware around that end at most, and the next jobs would wait for what they do first.
    ///
    /// What may wait is not bounded here, for an end must not be refused: the worker reserves nothing more while it
    /// owes `Limits.unsettled` ends or `Limits.unsettledBytes` of them (`RunningTable.owesTooMuch`), so there are
    /// those at most, and what its slots hold.
    private let commit = GroupLane<OwedSettlement>(
        .init(count: Limits.jobsPerCall, bytes: Limits.bodyBytesPerCall), linger: Limits.ackLinger)
    /// Ends that have met damage: they are tried for some seconds, and those behind them need not wait so long.
    private let damaged = GroupLane<OwedSettlement>(
        .init(count: Limits.jobsPerCall, bytes: Limits.bodyBytesPerCall))
    /// Nothing is tried again after this, however long the leases last.
    private let giveUpAt = Mutex<ContinuousClock.Instant?>(nil)
    private let pause: @Sendable (Duration) async -> Void

    /// - Parameter pause: between two tries; a test's does not wait.
    init(
        queue: any Leasing, observer: any JobObserver,
        pause: @escaping @Sendable (Duration) async -> Void = { time in
            try? await Task.sleep(for: time)  // cannot be cancelled: the shippers are detached
        }
    ) {
        self.queue = queue
        self.observer = observer
        self.pause = pause
    }

    func add(_ owed: OwedSettlement) {
        // Always true, for what may wait has no bound.
        _ = commit.add(owed, bytes: owed.settlement.bytes) { [self] in await send($0) }
    }

    /// Ends are not tried again beyond this: the process is about to end.
    func giveUp(at time: ContinuousClock.Instant) {
        giveUpAt.withLock { $0 = min($0 ?? time, time) }
    }

    /// Until nothing is under way.
    func drain() async {
        await commit.drain()
        // What is added there comes from the other alone.
        await damaged.drain()
    }

    /// Whether it is left to the lane of those that have met damage.
    private func goesApart(_ owed: OwedSettlement) -> Bool {
        owed.damage.isMet
            && damaged.add(owed, bytes: owed.settlement.bytes) { [self] in await send($0, isApart: true) }
    }

    /// - Parameter isApart: these ends have met damage already.
    private func send(_ batch: [OwedSettlement], isApart: Bool = false) async {
        var open = batch
        var failures = 0
        let policy = ExponentialBackoff(base: Limits.retryStoreBase, cap: Limits.retryStoreCap, jitter: 0.5)
        while true {
            open = await attempt(open)
            if !isApart { open.removeAll { goesApart($0) } }
            if open.isEmpty { return }
            failures += 1
            await pause(policy.delay(afterFailure: failures, random: .random(in: 0..<1)))
        }
    }

    /// One call. Answers those that are worth another try.
    private func attempt(_ call: [OwedSettlement]) async -> [OwedSettlement] {
        var failed: [(owed: OwedSettlement, error: QueueError)] = []
        let began = ContinuousClock.now
        do throws(QueueError) {
            let answers = try await queue.settle(call.map(\.settlement))
            for (owed, answer) in zip(call, answers) {
                if case .failed(let error) = answer {
                    failed.append((owed, error))
                } else {
                    owed.done(.success(answer))
                }
            }
        } catch {
            failed = call.map { ($0, error) }
        }
        var left: [OwedSettlement] = []
        var told: Set<QueueError> = []
        for (owed, error) in failed {
            if error.isOfThisCall, call.count > 1 {
                // Refused for what one of them is: the others do not pay for it.
                left += await attempt([owed])
                continue
            }
            if told.insert(error).inserted { observer.dutyFailed("settle", error) }
            var again = owed
            if error.code == .damaged { again.damage.meet(at: began) }
            if worthTrying(again, after: error) {
                left.append(again)
            } else {
                owed.done(.failure(error))
            }
        }
        return left
    }

    /// Only what the end itself is guilty of, or meets in its own keys, is final: the ends behind it would wait for
    /// it. All else that a store answers passes by itself, or by an operator's hand, and the lease may still stand
    /// then. Damage is met on a new connection too before it is final: what stood in the way may have gone aside as
    /// that opened, and a job that has run to its end would else run again.
    private func worthTrying(_ owed: OwedSettlement, after error: QueueError) -> Bool {
        let leaseEnd = owed.leaseEnd
        let limit = giveUpAt.withLock { $0 } ?? leaseEnd
        let isFinal = error.code == .damaged ? owed.damage.isFinal : error.isOfThisCall
        return !isFinal && error.code != .closed && min(limit, leaseEnd) > .now
    }
}
