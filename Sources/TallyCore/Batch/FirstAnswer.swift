import Synchronization

/// The first of the answers to one question, for the one caller that waits for it: it may come before it is waited
/// for, and from any thread. Those behind it are dropped.
package final class FirstAnswer<Value: Sendable>: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Value, Never>)
        case ended(Value)
        case over
    }
    private let state = Mutex(State.open)

    /// Nothing was answered yet.
    package init() {}

    /// To be asked once.
    package var value: Value {
        get async {
            await withCheckedContinuation { caller in
                let ended = state.withLock { state -> Value? in
                    if case .ended(let value) = state {
                        state = .over
                        return value
                    }
                    state = .awaited(caller)
                    return nil
                }
                if let ended { caller.resume(returning: ended) }
            }
        }
    }

    package func end(_ value: Value) {
        let caller = state.withLock { state -> CheckedContinuation<Value, Never>? in
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
