import Synchronization

/// What `body` answers, if it does within `time`. Otherwise nil: it goes on behind the caller's back.
func within<Value: Sendable>(
    _ time: Duration, _ body: @escaping @Sendable () async -> Value
) async -> Value? {
    let race = Race<Value>()
    // As their caller is, or both would stand in line behind what the caller goes before.
    let priority = Task.currentPriority
    let timer = Task.detached(priority: priority) {
        // cancelled: the answer came first
        if (try? await Task.sleep(for: time)) != nil { race.end(nil) }
    }
    Task.detached(priority: priority) { race.end(await body()) }
    let value = await race.first()
    timer.cancel()
    return value
}

/// The first of two answers.
private final class Race<Value: Sendable>: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Value?, Never>)
        case ended(Value?)
        case over
    }
    private let state = Mutex(State.open)

    func first() async -> Value? {
        await withCheckedContinuation { caller in
            let ended: Value?? = state.withLock { state in
                if case .ended(let value) = state {
                    state = .over
                    return .some(value)
                }
                state = .awaited(caller)
                return .none
            }
            if let ended { caller.resume(returning: ended) }
        }
    }

    func end(_ value: Value?) {
        let caller = state.withLock { state -> CheckedContinuation<Value?, Never>? in
            switch state {
            case .open: state = .ended(value)
            case .awaited(let caller):
                state = .over
                return caller
            case .ended, .over: break
            }
            return nil
        }
        caller?.resume(returning: value)
    }
}
