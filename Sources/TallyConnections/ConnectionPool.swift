import Glibc
import Synchronization

/// A connection whose calls block. It is made, used and closed on one thread.
package protocol BlockingConnection: SendableMetatype {
    /// False once it is to carry nothing more, such as after an error that left it in an unknown state; the pool then
    /// replaces it.
    var isUsable: Bool { get }
    /// True once nobody else may have it: the pool closes it at once, not only when its thread has work again.
    var isOver: Bool { get }
    /// Closes it; nothing is called on it afterwards.
    func close()
}

extension BlockingConnection {
    /// Of what is never over before its pool closes it.
    package var isOver: Bool { false }
}

/// The pool was closed before; the work did not run.
package struct PoolClosed: Error {}

/// Every connection was in use for as long as the caller would wait.
package struct PoolExhausted: Error {
    /// How many the pool has.
    package let connections: Int
    /// How long the caller waited for one of them.
    package let waited: Duration
}

/// As many callers waited for a connection as may; the work did not run.
package struct PoolFull: Error {
    /// How many they were.
    package let waiting: Int
}

/// A bounded number of connections, each on its own thread, opened when first needed, replaced when broken, closed
/// when long unused. `PoolState` decides; this carries it out.
///
/// After `close()` running work ends, waiting work still runs, new work throws `PoolClosed`.
///
/// `@unchecked Sendable`: `mutex` guards every stored property that changes.
package final class ConnectionPool<Connection: BlockingConnection>: @unchecked Sendable {
    private typealias Work = @Sendable (Result<Connection, any Error>) -> Void

    private let size: Int
    private let mostWaiting: Int
    private let stackBytes: Int?
    private let open: @Sendable () throws -> Connection
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var state: PoolState<Work>
    private var onLastThreadEnded: [CheckedContinuation<Void, Never>] = []

    /// A pool without a connection yet: the first call opens one, by `open`, on a thread of the pool's.
    ///
    /// - Parameter stackBytes: of its threads, as `startThread` takes it.
    package init(
        _ settings: PoolSettings, stackBytes: Int? = nil, open: @escaping @Sendable () throws -> Connection
    ) {
        size = settings.size
        mostWaiting = settings.waiting
        self.stackBytes = stackBytes
        self.open = open
        state = PoolState(settings)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Runs `work` on one of the connections. When none can be opened its error is thrown and `work` does not run.
    ///
    /// - Parameter time: how long it may wait while all are in use; nil = for ever.
    /// - Throws: `PoolExhausted` after that; `PoolFull` at once; `ThreadNotStarted` where there is no thread for a
    ///   connection, and no other connection to wait for; `CancellationError` when the task is cancelled while it
    ///   waits. Work that has begun goes on to its end.
    package func run<Value: Sendable>(
        within time: Duration? = nil, _ work: @escaping @Sendable (Connection) throws -> Value
    ) async throws -> Value {
        let wait = Mutex<(id: Int?, timer: Task<Void, Never>?)>((nil, nil))
        defer { wait.withLock { $0.timer?.cancel() } }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (caller: CheckedContinuation<Value, any Error>) in
                let (id, entry) = put { connection in
                    caller.resume(with: Result { try work(connection.get()) })
                }
                switch entry {
                case .refused: return caller.resume(throwing: PoolClosed())
                case .full: return caller.resume(throwing: PoolFull(waiting: mostWaiting))
                case .taken(let startsThread): if !startsThread || startOne() { return }
                case .waits: break
                }
                let timer = time.map { time in
                    Task.detached { [self] in
                        // cancelled: it waits no longer
                        guard (try? await Task.sleep(for: time)) != nil else { return }
                        giveUp(id, PoolExhausted(connections: size, waited: time))
                    }
                }
                wait.withLock { $0 = (id, timer) }
                if Task.isCancelled { giveUp(id, CancellationError()) }
            }
        } onCancel: {
            if let id = wait.withLock({ $0.id }) { giveUp(id, CancellationError()) }
        }
    }

    /// Returns once all work has ended and every connection is closed. May be repeated.
    package func close() async {
        locked {
            state.close()
            pthread_cond_broadcast(changed)
        }
        await withCheckedContinuation { caller in
            let alreadyEnded = locked {
                if state.hasEnded { return true }
                onLastThreadEnded.append(caller)
                return false
            }
            if alreadyEnded { caller.resume() }
        }
    }

    private func put(_ work: @escaping Work) -> (id: Int, entry: PoolState<Work>.Entry) {
        locked {
            let answer = state.put(work)
            // While none can be opened threads differ in what they may take: all look.
            if state.failures > 0 { pthread_cond_broadcast(changed) } else { pthread_cond_signal(changed) }
            return answer
        }
    }

    private func giveUp(_ id: Int, _ reason: any Error) {
        locked { state.remove(id) }?(.failure(reason))
    }

    /// Answers whether there is another thread now. Where there is none at all, all that wait hear why.
    private func startOne() -> Bool {
        do throws(ThreadNotStarted) {
            try startThread(stackBytes: stackBytes) { [self] in serve() }
            return true
        } catch {
            let (left, callers) = locked { (state.didNotStart(), endedCallers()) }
            for work in left { work(.failure(error)) }
            for caller in callers { caller.resume() }
            return false
        }
    }

    /// Who waits for the end of the last thread, once it has ended. Under the lock.
    private func endedCallers() -> [CheckedContinuation<Void, Never>] {
        guard state.isClosed, state.hasEnded else { return [] }
        defer { onLastThreadEnded = [] }
        return onLastThreadEnded
    }

    // MARK: On a connection's thread

    private func serve() {
        var connection: Connection?
        var idleSince = Self.now
        while let (work, opens) = take(connection != nil, idleSince) {
            if let held = connection, !held.isUsable {
                held.close()
                connection = nil
                locked { state.broke() }
            } else if !opens, let held = connection {
                work(.success(held))
                connection = kept(held)
                idleSince = Self.now
                continue
            }
            let result = openOne()
            work(result)
            // A failed open went to the caller, in `result`.
            if let opened = try? result.get() { connection = kept(opened) }
            idleSince = Self.now
        }
        connection?.close()
        let callers = locked {
            state.ended(hadConnection: connection != nil)
            return endedCallers()
        }
        for caller in callers { caller.resume() }
    }

    /// The connection, for further work; nil where it is over, and closed by now.
    private func kept(_ connection: Connection) -> Connection? {
        guard connection.isOver else { return connection }
        connection.close()
        locked { state.closedOne() }
        return nil
    }

    private func take(_ hasConnection: Bool, _ idleSince: Int64) -> (work: Work, opens: Bool)? {
        locked {
            while true {
                switch state.next(hasConnection: hasConnection, idleSince: idleSince, now: Self.now) {
                case .work(let work, let opens): return (work, opens)
                case .end: return nil
                case .sleep(let until):
                    state.fellAsleep()
                    if let until {
                        var time = timespec(
                            tv_sec: Int(until / 1_000_000), tv_nsec: Int(until % 1_000_000) * 1000)
                        pthread_cond_timedwait(changed, mutex, &time)
                    } else {
                        pthread_cond_wait(changed, mutex)
                    }
                    state.wokeUp()
                }
            }
        }
    }

    private func openOne() -> Result<Connection, any Error> {
        let result = Result { try open() }
        let others = locked {
            defer { pthread_cond_broadcast(changed) }
            switch result {
            case .success:
                state.opened()
                return [Work]()
            case .failure: return state.openFailed(now: Self.now, random: .random(in: 0..<1))
            }
        }
        if case .failure(let error) = result { for work in others { work(.failure(error)) } }
        return result
    }

    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    private func locked<Value>(_ body: () -> Value) -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}
