import Synchronization

/// One task waits, others post. A post without a waiter is kept for the next wait.
final class Notice: Sendable {
    private struct State {
        var isPosted = false
        var waiter: (id: Int, continuation: CheckedContinuation<Void, Never>)?
        var waits = 0
    }
    private let state = Mutex(State())

    func post() {
        let waiter = state.withLock { state in
            guard let waiter = state.waiter else {
                state.isPosted = true
                return CheckedContinuation<Void, Never>?.none
            }
            state.waiter = nil
            return waiter.continuation
        }
        waiter?.resume()
    }

    /// Returns after a post, when cancelled, or at `deadline`.
    func wait(until deadline: ContinuousClock.Instant? = nil) async {
        let id = state.withLock { state in
            state.waits += 1
            return state.waits
        }
        let timer = deadline.map { deadline in
            Task {
                // ended early: nobody waits any more
                try? await Task.sleep(until: deadline, clock: .continuous)
                self.end(id)
            }
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let done = state.withLock { state in
                    if state.isPosted || Task.isCancelled {
                        state.isPosted = false
                        return true
                    }
                    state.waiter = (id, continuation)
                    return false
                }
                if done { continuation.resume() }
            }
        } onCancel: {
            end(id)
        }
        timer?.cancel()
    }

    private func end(_ id: Int) {
        let waiter = state.withLock { state in
            guard let waiter = state.waiter, waiter.id == id else {
                return CheckedContinuation<Void, Never>?.none
            }
            state.waiter = nil
            return waiter.continuation
        }
        waiter?.resume()
    }
}
