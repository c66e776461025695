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

    /// To be asked once: of two who wait the answer would reach one, so a second question ends the program.
    package var value: Value {
        get async {
            await withCheckedContinuation { caller in
                let ended = state.withLock { state -> Value? in
                    switch state {
                    case .open:
                        state = .awaited(caller)
                        return nil
                    case .ended(let value):
                        state = .over
                        return value
                    case .awaited, .over: preconditionFailure("the one answer is asked for twice")
                    }
                }
                if let ended { caller.resume(returning: ended) }
            }
        }
    }

    /// Answers, unless it was answered before.
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
