import Dispatch
import Glibc
import Synchronization
import Tallystick

/// SIGINT and SIGTERM as something to await. Only the command handles signals; the library never does.
package enum Signals {
    /// Calls `stop` at the first signal and `again` at the second. Without `again` a second one ends the process at
    /// once, unless `insisting` is false: then it is ignored, because what is being stopped would be left behind.
    /// SIGHUP is the terminal that was closed.
    package static func onStop(
        insisting: Bool = true, again: (@Sendable () -> Void)? = nil, _ stop: @escaping @Sendable () -> Void
    ) {
        let counter = Seen()
        let registered = DispatchSemaphore(value: 0)
        for number in [SIGINT, SIGTERM, SIGHUP] where number != SIGHUP || !isIgnored(SIGHUP) {
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                // Two signals that came close together are one event.
                for count in counter.add(max(1, Int(source.data))) {
                    switch (count, again) {
                    case (1, _): stop()
                    case (2, let again?): again()
                    case (_, nil) where insisting: _exit(128 + number)
                    default: break
                    }
                }
            }
            // The source brings its own handler. Ignoring the signal as well would lose one that comes before it, and
            // who sent it would wait for ever; until then the default holds, which ends the process.
            source.setRegistrationHandler { registered.signal() }
            source.resume()
            registered.wait()
            _ = Unmanaged.passRetained(source as AnyObject)  // for the life of the process
        }
    }

    /// Runs a worker. The first signal drains it; a second one stops it at once: its handlers are cancelled and its
    /// jobs handed back. The process has ended `Limits.stop` after that, also where a store hangs.
    package static func working(_ worker: Worker) async throws {
        let run = Task { try await worker.run() }
        onStop(again: {
            DispatchQueue.global().asyncAfter(deadline: .now() + Limits.stop.seconds) { _exit(1) }
            run.cancel()
        }) {
            Output.note("worker \(worker.id) lets its running jobs finish; a second signal hands them back")
            Task { await worker.drain() }
        }
        // Stopped as it was told to: what follows still has to be closed.
        do { try await run.value } catch is CancellationError {}
    }

    /// Whether the process was told to go on at it, as `nohup` does for when the terminal is closed. It only looks.
    static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        sigaction(number, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1  // SIG_IGN
    }

    /// Runs `body`, and cancels it at the first signal. `insisting` and `again` are those of `onStop`.
    package static func cancelling(
        insisting: Bool = true, again: (@Sendable () -> Void)? = nil,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            for await _ in begun { break }
            try Task.checkCancellation()
            try await body()
        }
        // Before the body begins: what it starts is never ended by a signal's default.
        onStop(insisting: insisting, again: again) { task.cancel() }
        begin.finish()
        try await task.value
    }

    private final class Seen: Sendable {
        private let count = Atomic(0)
        /// The ordinals of so many new ones.
        func add(_ new: Int) -> ClosedRange<Int> {
            let all = count.add(new, ordering: .relaxed).newValue
            return (all - new + 1)...all
        }
    }
}
