import Glibc
import Synchronization
import TallyCommandLine
import Tallystick

/// The live line: one that is overwritten where somebody watches, else a plain one every second.
final class DemoProgress: Sendable {
    private struct State {
        var enqueued = 0
        var done = 0
        var running = 0
        var rate = 0.0
        var rateFrom: (at: ContinuousClock.Instant, done: Int) = (.now, 0)
        var shown = ContinuousClock.now
        var firstCompletion: Timestamp?
    }
    private let state = Mutex(State())
    private let began = ContinuousClock.now
    private let isWatched = isatty(2) == 1

    var done: Int { state.withLock { $0.done } }
    /// When a completed job was first seen; nil before.
    var firstCompletion: Timestamp? { state.withLock { $0.firstCompletion } }

    func enqueued(_ count: Int) { state.withLock { $0.enqueued += count } }

    /// Answers whether anything has moved.
    func saw(done: Int, completed: Int, running: Int) -> Bool {
        let (moved, line) = state.withLock { state in
            if completed > 0, state.firstCompletion == nil { state.firstCompletion = .now }
            let moved = done != state.done
            state.done = done
            state.running = running
            let now = ContinuousClock.now
            let span = now - state.rateFrom.at
            if span > .seconds(1) {
                state.rate = Double(done - state.rateFrom.done) / (span / .seconds(1))
                state.rateFrom = (now, done)
            }
            let isDue = isWatched || now - state.shown >= .seconds(1)
            if isDue { state.shown = now }
            return (moved, isDue ? text(state) : nil)
        }
        if let line { isWatched ? Output.live(line) : Output.note(line) }
        return moved
    }

    func finish() {
        Output.endLive()
        Output.note(state.withLock { text($0) })
    }

    /// How long a newcomer waited, told by this machine's clock: the script that began it is another process.
    static func times(from began: Timestamp, first: Timestamp?, to end: Timestamp) -> String {
        func seconds(_ time: Timestamp) -> Int { Int((time - began).seconds.rounded()) }
        let whole = "all of it \(seconds(end)) s"
        return first.map { "first job completed after \(seconds($0)) s, \(whole)" }
            ?? "no job was completed, \(whole)"
    }

    private func text(_ state: State) -> String {
        let seconds = Int((ContinuousClock.now - began) / .seconds(1))
        return "\(seconds) s: enqueued \(state.enqueued), running \(state.running), done \(state.done), "
            + "\(Int(state.rate)) jobs/s"
    }
}
