import Synchronization
import TallyAdmin

/// The time of a change of many jobs that goes on only where somebody waits for it, or lets it pass: what it would
/// wait on a machine is told, and nobody waits.
final class StandingTime: Sendable {
    private struct State: Sendable {
        var now = ContinuousClock.now
        var waits: [Duration] = []
        var isLate = false
    }
    private let state = Mutex(State())

    /// How long each wait was.
    var waits: [Duration] { state.withLock { $0.waits } }

    /// It goes on without anybody's waiting.
    func pass(_ time: Duration) { state.withLock { $0.now += time } }

    /// It goes on so once, however often this is called.
    func passOnce(_ time: Duration) {
        state.withLock { state in
            if !state.isLate { state.now += time }
            state.isLate = true
        }
    }

    var pace: BulkPace {
        var pace = BulkPace()
        pace.now = { self.state.withLock { $0.now } }
        pace.sleep = { time in
            self.state.withLock { state in
                state.waits.append(time - state.now)
                state.now = time
            }
        }
        return pace
    }
}
