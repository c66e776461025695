import Synchronization
import TallyCore

/// How a run ended, on its way to the queue.
struct Settlement: Sendable {
    enum Ending: Sendable {
        case ack([UInt8])
        case retry(runAt: Timestamp, attempts: Int, error: String)
        case fail(attempts: Int, error: String)
        case release(Timestamp?)

        /// Of the result or the error that goes along.
        var bytes: Int {
            switch self {
            case .ack(let result): result.count
            case .retry(_, _, let error), .fail(_, let error): error.utf8.count
            case .release: 0
            }
        }
    }
    var lease: Lease
    var ending: Ending
    /// Until then it is worth trying.
    var deadline: ContinuousClock.Instant
    /// What the queue said; the last error where it never took the end.
    var done: @Sendable (Result<SettleAnswer, QueueError>) -> Void
}

/// Gathers endings for a moment and sends them in one call a verb. One flush is under way at a time, so what ends
/// meanwhile forms the next. A store that is away is retried until the lease is over: a completion is not lost to a
/// blip.
final class SettleLane: Sendable {
    private let queue: any QueueDriver
    private let observer: any JobObserver
    /// Without the linger, batches shrink to one or two, at ten times the cost a job.
    private let commit = GroupLane<Settlement>(
        .init(count: Limits.jobsPerCall, bytes: Limits.bodyBytesPerCall), linger: Limits.ackLinger)
    /// Nothing is tried again after this, however long the leases last.
    private let giveUpAt = Mutex<ContinuousClock.Instant?>(nil)

    init(queue: any QueueDriver, observer: any JobObserver) {
        self.queue = queue
        self.observer = observer
    }

    func add(_ settlement: Settlement) {
        commit.add(settlement, bytes: settlement.ending.bytes) { [self] in await send($0) }
    }

    /// Ends are not tried again beyond this: the process is about to end.
    func giveUp(at time: ContinuousClock.Instant) {
        giveUpAt.withLock { $0 = min($0 ?? time, time) }
    }

    /// Until nothing is under way.
    func drain() async { await commit.drain() }

    private func send(_ batch: [Settlement]) async {
        var open = batch
        var failures = 0
        let policy = ExponentialBackoff(base: Limits.retryStoreBase, cap: Limits.retryStoreCap, jitter: 0.5)
        while !open.isEmpty {
            var left: [Settlement] = []
            for verb in Self.verbs {
                let group = open.filter { verb.fits($0.ending) }
                if !group.isEmpty { left += await send(group, verb) }
            }
            open = left
            if open.isEmpty { return }
            failures += 1
            let delay = policy.delay(afterFailure: failures, random: .random(in: 0..<1))
            try? await Task.sleep(for: delay)  // cannot be cancelled: detached
        }
    }

    /// Only what the end itself is guilty of, or meets in its own keys, is final: the ends behind it would wait for
    /// it. All else that a store answers passes by itself, or by an operator's hand, and the lease may still stand
    /// then.
    private func worthTrying(_ settlement: Settlement, after error: QueueError) -> Bool {
        let limit = giveUpAt.withLock { $0 } ?? settlement.deadline
        return !error.isOfThisCall && error.code != .closed && min(limit, settlement.deadline) > .now
    }

    /// One call. Answers those that are worth another try.
    private func send(_ call: [Settlement], _ verb: VerbCall) async -> [Settlement] {
        do throws(QueueError) {
            let answers = try await verb.send(queue, call)
            for (settlement, answer) in zip(call, answers) { settlement.done(.success(answer)) }
            return []
        } catch {
            var left: [Settlement] = []
            if error.isOfThisCall, call.count > 1 {
                // Refused for what one of them is: the others do not pay for it.
                for settlement in call { left += await send([settlement], verb) }
                return left
            }
            observer.dutyFailed("settle", error)
            for settlement in call {
                if worthTrying(settlement, after: error) {
                    left.append(settlement)
                } else {
                    settlement.done(.failure(error))
                }
            }
            return left
        }
    }

    private struct VerbCall: Sendable {
        let fits: @Sendable (Settlement.Ending) -> Bool
        let send: @Sendable (any QueueDriver, [Settlement]) async throws(QueueError) -> [SettleAnswer]
    }

    private static let verbs: [VerbCall] = [
        VerbCall(
            fits: { if case .ack = $0 { true } else { false } },
            send: { (queue, group) throws(QueueError) in
                try await queue.ack(
                    group.map {
                        if case .ack(let result) = $0.ending {
                            Ack($0.lease, result: result)
                        } else {
                            Ack($0.lease)
                        }
                    }, at: nil)
            }),
        VerbCall(
            fits: { if case .retry = $0 { true } else { false } },
            send: { (queue, group) throws(QueueError) in
                try await queue.retry(
                    group.compactMap {
                        guard case .retry(let runAt, let attempts, let error) = $0.ending else { return nil }
                        return Retry($0.lease, runAt: runAt, attempts: attempts, error: error)
                    }, at: nil)
            }),
        VerbCall(
            fits: { if case .fail = $0 { true } else { false } },
            send: { (queue, group) throws(QueueError) in
                try await queue.fail(
                    group.compactMap {
                        guard case .fail(let attempts, let error) = $0.ending else { return nil }
                        return Failure($0.lease, attempts: attempts, error: error)
                    }, at: nil)
            }),
        VerbCall(
            fits: { if case .release = $0 { true } else { false } },
            send: { (queue, group) throws(QueueError) in
                try await queue.release(
                    group.compactMap {
                        guard case .release(let runAt) = $0.ending else { return nil }
                        return Release($0.lease, runAt: runAt)
                    }, at: nil)
            }),
    ]
}
