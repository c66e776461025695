import Dispatch
import Glibc
import Synchronization

/// SIGINT and SIGTERM as something to await. Only the command handles signals; the library never does.
enum Signals {
    /// Calls `stop` at the first signal; a second one ends the process at once, unless `insisting` is false: then it
    /// is ignored, because what is being stopped would be left behind. SIGHUP is the terminal that was closed.
    static func onStop(insisting: Bool = true, _ stop: @escaping @Sendable () -> Void) {
        let seen = Seen()
        for number in [SIGINT, SIGTERM, SIGHUP] where number != SIGHUP || !isIgnored(SIGHUP) {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if seen.isFirst() { stop() } else if insisting { _exit(128 + number) }
            }
            source.resume()
            _ = Unmanaged.passRetained(source as AnyObject)  // for the life of the process
        }
    }

    /// `nohup` means: go on when the terminal is closed.
    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        sigaction(number, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1  // SIG_IGN
    }

    /// Runs `body`, and cancels it at the first signal.
    static func cancelling(
        insisting: Bool = true, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let task = Task { try await body() }
        onStop(insisting: insisting) { task.cancel() }
        try await task.value
    }

    private final class Seen: Sendable {
        private let count = Atomic(0)
        func isFirst() -> Bool { count.add(1, ordering: .relaxed).newValue == 1 }
    }
}
