import Dispatch
import Glibc
import Synchronization

/// SIGINT and SIGTERM as something to await. Only the command handles signals; the library never does.
enum Signals {
    private static let sources = Mutex<[any DispatchSourceSignal]>([])

    /// Calls `stop` at the first signal; a second one ends the process at once.
    static func onStop(_ stop: @escaping @Sendable () -> Void) {
        let count = Mutex(0)
        let shared = Shared(count: count)
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if shared.next() == 1 { stop() } else { _exit(128 + number) }
            }
            source.resume()
            sources.withLock { $0.append(source) }
        }
    }

    /// Runs `body`, and cancels it at the first signal.
    static func cancelling(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let task = Task { try await body() }
        onStop { task.cancel() }
        try await task.value
    }

    private final class Shared: Sendable {
        private let count: Mutex<Int>
        init(count: consuming Mutex<Int>) { self.count = count }
        func next() -> Int {
            count.withLock {
                $0 += 1
                return $0
            }
        }
    }
}
