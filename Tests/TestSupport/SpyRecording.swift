import Synchronization
import TallyCore

/// Recording that waits at a test's gate, shows a test's clock, and remembers how much came at once.
package final class SpyRecording: Recording {
    private struct State: Sendable {
        var gate: Gate?
        var reached: Gate?
        var clock: (@Sendable () -> Timestamp)?
        var mostBytes = 0
    }
    private let base: any Recording
    private let state = Mutex(State())

    package init(_ base: any Recording) { self.base = base }

    /// The most bytes of bodies that came in one call.
    package var mostBytes: Int { state.withLock { $0.mostBytes } }
    /// What the server's clock shows.
    package func setClock(_ clock: @escaping @Sendable () -> Timestamp) {
        state.withLock { $0.clock = clock }
    }
    /// Recording waits here.
    ///
    /// - Parameter reached: is opened when a call has come to it.
    package func hold(at gate: Gate?, reached: Gate? = nil) {
        state.withLock { state in
            state.gate = gate
            state.reached = reached
        }
    }

    package func record(_ jobs: [JobRecord], together: Bool) async throws(LedgerError) -> RecordReceipt {
        let (gate, reached) = state.withLock { state in
            state.mostBytes = max(state.mostBytes, jobs.reduce(0) { $0 + $1.body.count })
            return (state.gate, state.reached)
        }
        reached?.open()
        await gate?.wait()
        return try await base.record(jobs, together: together)
    }
    package func clock() async throws(LedgerError) -> Timestamp {
        guard let clock = state.withLock({ $0.clock }) else { return try await base.clock() }
        return clock()
    }
}
