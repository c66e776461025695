import Glibc
import Synchronization
import TallyConnections
import TallyCore

/// Blocking waits for wake tokens, each on a connection of its own: a `BLPOP` would stall every call beside it.
final class WakeWaiter: Sendable {
    private let pool: ConnectionPool<RedisConnection>
    private let prefix: String
    private let waits = Mutex<(isClosed: Bool, active: [ObjectIdentifier: Ticket])>((false, [:]))

    /// - Parameter size: how many wait in Redis at a time.
    /// - Parameter waiting: how many more may wait for that.
    /// - Parameter stackBytes: of its threads, as `startThread` takes it.
    init(
        _ configuration: RedisConfiguration, prefix: String, size: Int = Limits.waits,
        waiting: Int = Limits.poolCallsWaiting, stackBytes: Int? = nil
    ) {
        self.prefix = prefix
        let settings = PoolSettings(
            size: size, waiting: waiting, idle: Limits.poolIdle, reopenBase: Limits.retryStoreBase,
            reopenCap: Limits.reopenCap)
        pool = ConnectionPool(settings, stackBytes: stackBytes) {
            try RedisConnection(configuration, loadingLibrary: false)
        }
    }

    /// Returns after a wake token, after `time`, or by throwing `CancellationError` / `QueueError`.
    ///
    /// - Parameter next: called on the connection's thread as soon as the server has answered, before this returns.
    func wait(
        for queues: [QueueName], upTo time: Duration, next: (@Sendable () -> Void)? = nil
    ) async throws {
        let ticket = Ticket()
        let id = ObjectIdentifier(ticket)
        let isClosed = waits.withLock { state in
            if !state.isClosed { state.active[id] = ticket }
            return state.isClosed
        }
        if isClosed { throw QueueError(.closed, "wait") }
        defer { waits.withLock { _ = $0.active.removeValue(forKey: id) } }
        let keys = queues.map { RedisKey.wake.behind(prefix, $0.text) }
        let seconds = String(max(0.001, time.seconds))
        do {
            try await withTaskCancellationHandler {
                try await pool.run(within: time) { connection in
                    guard ticket.begin(connection.descriptor) else { return }
                    defer { ticket.end() }
                    connection.limitReply(time + Limits.redisReply)
                    let reply = try connection.command(["BLPOP"] + keys + [seconds])
                    if case .error(let text) = reply { throw RedisRefusal.queueError(text, "wait") }
                    next?()
                }
            } onCancel: {
                ticket.interrupt()
            }
        } catch let error as QueueError {
            try Task.checkCancellation()
            if waits.withLock({ $0.isClosed }) { throw QueueError(.closed, "wait") }
            throw error
        } catch is PoolClosed {
            throw QueueError(.closed, "wait")
        } catch let full as PoolFull {
            throw QueueError(
                .full, "wait",
                "\(full.waiting) workers of this process already wait for a connection to Redis; run fewer in it"
            )
        } catch let refused as ThreadNotStarted {
            throw QueueError(.unavailable, "wait", "\(refused)")
        } catch is PoolExhausted {
            return  // the time has passed, if without a connection
        }
        try Task.checkCancellation()
    }

    func close() async {
        let active = waits.withLock { state in
            state.isClosed = true
            return Array(state.active.values)
        }
        for ticket in active { ticket.interrupt() }
        await pool.close()
    }
}

/// One wait: knows the socket while the thread blocks on it, so that another thread may end the read.
private final class Ticket: Sendable {
    private let state = Mutex<(descriptor: Int32, isInterrupted: Bool)>((-1, false))

    /// False when interrupted before it began.
    func begin(_ descriptor: Int32) -> Bool {
        state.withLock { state in
            state.descriptor = descriptor
            return !state.isInterrupted
        }
    }
    func end() { state.withLock { $0.descriptor = -1 } }

    /// The descriptor is still the connection's: `end` runs on its thread before it can be closed.
    func interrupt() {
        state.withLock { state in
            state.isInterrupted = true
            if state.descriptor >= 0 { shutdown(state.descriptor, Int32(SHUT_RDWR)) }
        }
    }
}
