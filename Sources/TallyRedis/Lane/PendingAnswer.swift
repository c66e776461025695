import Synchronization
import TallyCore

/// The answer to one call that is sent on another thread than the one that asks for it.
final class PendingAnswer: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Result<Call.Answer, QueueError>, Never>)
        case ended(Result<Call.Answer, QueueError>)
    }
    private let state = Mutex<(State, sent: ContinuousClock.Instant?)>((.open, nil))

    /// When the call was sent; nil before.
    var sent: ContinuousClock.Instant? { state.withLock { $0.sent } }

    /// The call is sent now.
    func begin() { state.withLock { $0.sent = .now } }

    func end(_ result: Result<Call.Answer, QueueError>) {
        let caller = state.withLock { state -> CheckedContinuation<Result<Call.Answer, QueueError>, Never>? in
            guard case .awaited(let caller) = state.0 else {
                state.0 = .ended(result)
                return nil
            }
            return caller
        }
        caller?.resume(returning: result)
    }

    /// To be asked once, after the call was sent.
    var value: Result<Call.Answer, QueueError> {
        get async {
            await withCheckedContinuation { caller in
                let ended = state.withLock { state -> Result<Call.Answer, QueueError>? in
                    if case .ended(let result) = state.0 { return result }
                    state.0 = .awaited(caller)
                    return nil
                }
                if let ended { caller.resume(returning: ended) }
            }
        }
    }
}
