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
    }
    private let state = Mutex(State())

    /// nil when it was never read, or too long ago.
    var now: Timestamp? {
        state.withLock { state in
            guard let reading = state.reading else { return nil }
            let age = ContinuousClock.now - reading.own
            return age > Limits.verify ? nil : reading.server + age
        }
    }

    func note(_ server: Timestamp) -> Timestamp {
        state.withLock { $0.reading = (server, .now) }
        return server
    }

    /// How many wait for the question that is under way.
    var asking: Int { state.withLock { $0.waiting?.count ?? 0 } }

    /// Notes what `question` answers. It is asked in a task of its own, so that none of those who share it can end it
    /// for the others; one that is cancelled waits no longer.
    func ask(
        _ question: @escaping @Sendable () async throws(LedgerError) -> Timestamp
    ) async throws(LedgerError) -> Timestamp {
        let id = state.withLock { state in
            state.lastWaiting += 1
            return state.lastWaiting
        }
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { caller in
                let isFirst = state.withLock { state in
                    let isFirst = state.waiting == nil
                    state.waiting = state.waiting ?? [:]
                    state.waiting?[id] = caller
                    return isFirst
                }
                if isFirst { Task.detached(priority: Task.currentPriority) { await self.answer(question) } }
                if Task.isCancelled { self.giveUp(id) }
            }
        } onCancel: {
            giveUp(id)
        }
        return try answer.get()
    }

    private func answer(_ question: @Sendable () async throws(LedgerError) -> Timestamp) async {
        let answer: Answer
        do throws(LedgerError) { answer = .success(note(try await question())) } catch {
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
