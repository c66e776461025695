import Synchronization
import TallyCore

/// A server's clock as it was last read.
///
/// All who need it while it is being read share that one question: a program whose thousand callers begin at once, or
/// whose reading has grown old, would else ask a thousand times, and each enqueue would stand in line behind them.
final class ServerClock: Sendable {
    typealias Answer = Result<Timestamp, LedgerError>

    private let state = Mutex(ServerClockState<CheckedContinuation<Answer, Never>>())

    /// nil when it was never read, or too long ago.
    var now: Timestamp? { state.withLock { $0.now(at: .now) } }

    func note(_ server: Timestamp) -> Timestamp {
        state.withLock { $0.note(server, at: .now) }
        return server
    }

    /// How many wait for the question that is under way.
    var asking: Int { state.withLock { $0.asking } }

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
        let id = state.withLock { $0.number() }
        var isOwn = false
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { caller in
                switch state.withLock({ $0.join(id, caller, at: .now) }) {
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
        for caller in state.withLock({ $0.end() }) { caller.resume(returning: answer) }
    }

    private func giveUp(_ id: Int) {
        let caller = state.withLock { $0.leave(id) }
        caller?.resume(returning: .failure(LedgerError(.cancelled, "clock", "cancelled while it was asked")))
    }
}
