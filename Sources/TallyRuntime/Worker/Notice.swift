import Synchronization

/// One task waits, others post. A post without a waiter is kept for the next wait.
final class Notice: Sendable {
    private let state = Mutex(NoticeState<CheckedContinuation<Void, Never>>())

    func post() { state.withLock { $0.post() }?.resume() }

    /// Returns after a post, when cancelled, or at `deadline`.
    func wait(until deadline: ContinuousClock.Instant? = nil) async {
        let id = state.withLock { $0.begin() }
        let timer = deadline.map { deadline in
            Task {
                // ended early: nobody waits any more
                try? await Task.sleep(until: deadline, clock: .continuous)
                self.end(id)
            }
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if state.withLock({ $0.suspend(id, continuation) }) { continuation.resume() }
            }
        } onCancel: {
            end(id)
        }
        timer?.cancel()
    }

    private func end(_ id: Int) { state.withLock { $0.end(id) }?.resume() }
}

/// What a notice knows. Pure: it hands back the waiter to be resumed.
///
/// A wait begins before its task is suspended, and its timer or its cancellation may come between the two: such an
/// end is kept, or the task would sleep through it for ever.
struct NoticeState<Waiter> {
    private var isPosted = false
    private var last = 0
    private var waiter: Waiter?
    /// The wait that began last is over already.
    private var isOver = false

    /// A wait begins; answers its number.
    mutating func begin() -> Int {
        last += 1
        isOver = false
        return last
    }

    /// The task is about to sleep. True if it must not: it was posted to, or its wait is over.
    mutating func suspend(_ id: Int, _ new: Waiter) -> Bool {
        if isPosted || isOver || id != last {
            isPosted = false
            return true
        }
        waiter = new
        return false
    }

    mutating func post() -> Waiter? {
        guard let waiting = waiter else {
            isPosted = true
            return nil
        }
        waiter = nil
        return waiting
    }

    /// The deadline of wait `id` has come, or its task was cancelled.
    mutating func end(_ id: Int) -> Waiter? {
        guard id == last else { return nil }
        isOver = true
        defer { waiter = nil }
        return waiter
    }
}
