import Synchronization

/// A connection whose calls block. It is made, used and closed on one thread.
package protocol BlockingConnection: SendableMetatype {
    /// False once an error has left it in an unknown state; the pool then replaces it.
    var isUsable: Bool { get }
    func close()
}

package struct PoolClosed: Error {}

/// At most `size` connections, each on its own thread, opened when first needed and replaced when broken.
///
/// After `close()` running work ends, waiting work still runs, new work throws `PoolClosed`.
package final class ConnectionPool<Connection: BlockingConnection>: Sendable {
    private typealias Work = @Sendable (Result<Connection, any Error>) -> Void

    private struct State {
        var threads = 0
        var isClosed = false
        var onLastThreadEnded: [CheckedContinuation<Void, Never>] = []
    }

    private let size: Int
    private let open: @Sendable () throws -> Connection
    private let inbox = Inbox<Work>()
    private let state = Mutex(State())

    package init(size: Int, open: @escaping @Sendable () throws -> Connection) {
        self.size = max(1, size)
        self.open = open
    }

    /// Runs `work` on one of the connections. When none can be opened its error is thrown and `work` does not run.
    package func run<Value: Sendable>(
        _ work: @escaping @Sendable (Connection) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { (caller: CheckedContinuation<Value, any Error>) in
            let accepted = inbox.put { connection in
                caller.resume(with: Result { try work(connection.get()) })
            }
            if !accepted { return caller.resume(throwing: PoolClosed()) }
            startThreadIfNeeded()
        }
    }

    package func close() async {
        inbox.close()
        await withCheckedContinuation { caller in
            let alreadyEnded = state.withLock { state in
                state.isClosed = true
                if state.threads == 0 { return true }
                state.onLastThreadEnded.append(caller)
                return false
            }
            if alreadyEnded { caller.resume() }
        }
    }

    private func startThreadIfNeeded() {
        let start = state.withLock { state in
            guard state.threads < size, inbox.isShort else { return false }
            state.threads += 1
            return true
        }
        if start { startThread { [self] in serve() } }
    }

    private func serve() {
        var connection: Connection?
        while let work = inbox.takeOne() {
            if let held = connection, !held.isUsable {
                held.close()
                connection = nil
            }
            let result = Result { try connection ?? open() }
            connection = try? result.get()  // a failed open goes to the caller, in `result`
            work(result)
        }
        connection?.close()
        let waiting = state.withLock { state in
            state.threads -= 1
            return state.threads == 0 ? state.onLastThreadEnded : []
        }
        for caller in waiting { caller.resume() }
    }
}
