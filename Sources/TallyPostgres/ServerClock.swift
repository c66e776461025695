import Synchronization
import TallyCore

/// A server's clock as it was last read.
///
/// All who need it while it is being read share that one question: a program whose thousand callers begin at once, or
/// whose reading has grown old, would else ask a thousand times, and each enqueue would stand in line behind them.
final class ServerClock: Sendable {
    typealias Answer = Result<Timestamp, LedgerError>

    private struct State {
        var reading: (server: Timestamp, own: ContinuousClock.Instant)?
        /// Who waits for the question that is under way, by the order of their coming; nil = none is.
        var waiting: [Int: CheckedContinuation<Answer, Never>]?
        var lastWaiting = 0

        enum Part {
            /// Nobody has asked: the caller does.
            case asks
            case waits
            /// It was read since the caller looked, or there is no room to wait.
            case knows(Answer)
        }

        mutating func join(_ id: Int, _ caller: CheckedContinuation<Answer, Never>) -> Part {
            if let now = ServerClock.now(reading) { return .knows(.success(now)) }
            let count = waiting?.count ?? 0
            if count >= Limits.poolCallsWaiting {
                return .knows(
                    .failure(
                        LedgerError(
                            .transient, "clock",
                            "\(count) calls already wait in this process for the clock of Postgres; repeat it "
                                + "once some of them are answered")))
            }
            let isFirst = waiting == nil
            if isFirst { waiting = [:] }
            waiting?[id] = caller
            return isFirst ? .asks : .waits
        }
    }
    private let state = Mutex(State())

    /// nil when it was never read, or too long ago.
    var now: Timestamp? { state.withLock { Self.now($0.reading) } }

    private static func now(_ reading: (server: Timestamp, own: ContinuousClock.Instant)?) -> Timestamp? {
        guard let reading else { return nil }
        let age = ContinuousClock.now - reading.own
        return age > Limits.verify ? nil : reading.server + age
    }

    func note(_ server: Timestamp) -> Timestamp {
        state.withLock { $0.reading = (server, .now) }
        return server
    }

    /// How many wait for the question that is under way.
    var asking: Int { state.withLock { $0.waiting?.count ?? 0 } }

    /// Notes what `question` answers. It is asked in a task of its own, so that none of those who share it can end it
    /// for the others; one that is cancelled waits no longer.
    ///
    /// - Throws: what the question throws; `.cancelled`; `.transient` where `Limits.poolCallsWaiting` wait already.
    func ask(
        _ question: @escaping @Sendable () async throws(LedgerError) -> Timestamp
    ) async throws(LedgerError) -> Timestamp {
        let (answer, isOwn) = await shared(question)
        // Who came later had less time than a question of its own has.
        if case .failure(let error) = answer, error.mayRetry, !isOwn {
            return try await shared(question).answer.get()
        }
        return try answer.get()
    }

    private func shared(
        _ question: @escaping @Sendable () async throws(LedgerError) -> Timestamp
    ) async -> (answer: Answer, isOwn: Bool) {
        let id = state.withLock { state in
            state.lastWaiting += 1
            return state.lastWaiting
        }
        var isOwn = false
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { caller in
                switch state.withLock({ $0.join(id, caller) }) {
                case .asks:
                    isOwn = true
                    Task.detached(priority: Task.currentPriority) { await self.answer(question) }
                case .waits: break
                case .knows(let answer): return caller.resume(returning: answer)
                }
                if Task.isCancelled { giveUp(id) }
            }
        } onCancel: {
            giveUp(id)
        }
        return (answer, isOwn)
    }

    private func answer(_ question: @Sendable () async throws(LedgerError) -> Timestamp) async {
        let answer: Answer
        do throws(LedgerError) {
            answer = .success(note(try await question()))
        } catch {
            answer = .failure(error)
        }
        let callers = state.withLock { state in
            defer { state.waiting = nil }
            return state.waiting ?? [:]
        }
        for caller in callers.values { caller.resume(returning: answer) }
    }

    private func giveUp(_ id: Int) {
        let caller = state.withLock { $0.waiting?.removeValue(forKey: id) }
        caller?.resume(returning: .failure(LedgerError(.cancelled, "clock", "cancelled while it was asked")))
    }
}
