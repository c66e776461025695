import Glibc
import Synchronization
import TallyConnections
import TallyCore

/// One connection on one thread. The thread swaps out every waiting call, merges those of one verb, sends them in one
/// write, reads the replies and resumes the callers.
///
/// A connection that breaks with calls under way answers them `.uncertain`; the next call connects anew. A server
/// that cannot be reached answers `.unavailable` at once: waiting and retrying are the caller's.
final class Lane: Sendable {
    /// The server's clock, read off its replies.
    struct Reading: Sendable {
        var serverNow: Timestamp
        /// This machine's monotonic clock when the reply had come, µs: the server's clock was read before that.
        var receivedAt: Int64
        var epoch: Int64
        var isHeld: Bool

        /// A lower bound of the server's clock now.
        var now: Timestamp { serverNow + .microseconds(Lane.monotonic - receivedAt) }
    }

    private let configuration: RedisConfiguration
    private let gate: ServerGate?
    private let stackBytes: Int?
    private let inbox: Inbox<Call>
    private let latest = Mutex<Reading?>(nil)
    private let ended = Mutex<(isStarted: Bool, isEnded: Bool, callers: [CheckedContinuation<Void, Never>])>(
        (false, false, []))

    /// - Parameter gate: asked before a new connection carries a call; nil = it is not asked about.
    /// - Parameter calls: how many may wait while others are under way, and how many bytes of them.
    /// - Parameter stackBytes: of its thread, as `startThread` takes it.
    init(
        _ configuration: RedisConfiguration, gate: ServerGate? = nil, calls: Int = Limits.callsWaiting,
        bytes: Int = Limits.callsWaitingBytes, stackBytes: Int? = nil
    ) {
        self.configuration = configuration
        self.gate = gate
        self.stackBytes = stackBytes
        inbox = Inbox(items: calls, bytes: bytes)
    }

    var reading: Reading? { latest.withLock { $0 } }
    var isClosed: Bool { inbox.hasClosed }
    var prefix: String { RedisKey.prefix(configuration.namespace, configuration.part.shard.number) }

    /// Calls that were let in since the beginning, whether or not they have their answer.
    var submitted: Int { inbox.acceptedCount }
    /// Returns once they are so many.
    func untilSubmitted(_ count: Int) async { await inbox.untilAccepted(count) }

    /// The call has its answer later, in order of arrival, or at once `.full`, `.closed`, or `.unavailable` where
    /// there is no thread for the lane, and then it was not sent.
    func submit(_ call: Call) {
        if let refused = started(), !isClosed {
            return call.complete(.failure(QueueError(.unavailable, call.operation, "\(refused)")))
        }
        switch inbox.put(call, bytes: call.arguments.bytes.count) {
        case .accepted: break
        case .closed: call.complete(.failure(QueueError(.closed, call.operation)))
        case .full: call.complete(.failure(Self.full(call.operation)))
        }
    }

    /// Why its thread does not run; nil = it does. The next call asks again.
    private func started() -> ThreadNotStarted? {
        // Started under the lock: no other call may wait for a thread that there will not be.
        ended.withLock { state -> ThreadNotStarted? in
            if state.isStarted { return nil }
            do throws(ThreadNotStarted) {
                try startThread(stackBytes: stackBytes) { [self] in serve() }
                state.isStarted = true
                return nil
            } catch {
                return error
            }
        }
    }

    private static func full(_ operation: String) -> QueueError {
        QueueError(
            .full, operation,
            "as many calls as may already wait in this process for Redis; ask again once some of them are answered, "
                + "and have fewer under way at a time")
    }

    /// Waits for what is under way; what comes later is refused with `.closed`.
    func close() async {
        inbox.close()
        await withCheckedContinuation { caller in
            let done = ended.withLock { state in
                if !state.isStarted || state.isEnded { return true }
                state.callers.append(caller)
                return false
            }
            if done { caller.resume() }
        }
    }

    // MARK: On the thread

    private func serve() {
        var connection: RedisConnection?
        var retirement = Retirement()
        while let calls = inbox.takeAll() {
            if let held = connection, held.isStale {
                held.close()
                connection = nil
            }
            do throws(QueueError) {
                let open: RedisConnection
                if let connection { open = connection } else { open = try connect() }
                connection = open
                // Each write and its replies are let go before the next is made.
                for groups in Merge.writes(calls) { exchange(groups, on: open, &retirement) }
            } catch {
                for call in calls {
                    call.complete(.failure(QueueError(error.code, call.operation, error.detail)))
                }
            }
        }
        connection?.close()
        let callers = ended.withLock { state in
            state.isEnded = true
            return state.callers
        }
        for caller in callers { caller.resume() }
    }

    private func connect() throws(QueueError) -> RedisConnection {
        let connection = try RedisConnection(configuration)
        var attach = Call(verb: "attach") { _ in }
        attach.head.bulk(configuration.testClock != nil ? "1" : "0")
        var writer = RESPWriter()
        Merge(attach).encode(into: &writer, prefix: prefix, runID: connection.runID, reckoned: 0)
        let reply: RedisReply
        do {
            reply = try connection.send(writer.bytes, replies: 1)[0]
        } catch {
            throw QueueError(.unavailable, "connect to Redis", error.detail)
        }
        if case .error(let text) = reply {
            connection.close()
            // Every other place `attach` frees, or passes over where the namespace is new; the next one frees that.
            let key = RedisRefusal.metForeignKey(reply) ? ", \(RedisKey.meta.behind(prefix))" : ""
            throw RedisRefusal.handshakeError(text, "connect to Redis", configuration.place + key)
        }
        note(reply)
        do throws(QueueError) {
            try gate?.pass(ServerGate.Server(runID: connection.runID, epoch: reading?.epoch ?? 0))
        } catch {
            connection.close()
            throw error
        }
        return connection
    }

    /// Every caller has its answer or its failure afterwards.
    private func exchange(_ groups: [Merge], on connection: RedisConnection, _ retirement: inout Retirement) {
        var open = groups
        for attempt in 0..<Limits.functionLoads {
            var writer = RESPWriter()
            let reckoned = reading?.now.microseconds ?? 0
            for group in open {
                group.encode(into: &writer, prefix: prefix, runID: connection.runID, reckoned: reckoned)
            }
            let replies: [RedisReply]
            do {
                replies = try connection.send(writer.bytes, replies: open.count)
            } catch {
                for group in open { group.fail(error) }
                return
            }
            var again: [Merge] = []
            var isLibraryGone = false
            for (group, reply) in zip(open, replies) {
                if attempt < Limits.functionLoads - 1, RedisRefusal.isMissingFunction(reply) {
                    again.append(group)
                    isLibraryGone = true
                    continue
                }
                // Refused before anything was written, for what one of them brought: each is asked alone.
                if attempt < Limits.functionLoads - 1, group.calls.count > 1, RedisRefusal.refusesInput(reply)
                {
                    again += group.calls.map { Merge($0) }
                    continue
                }
                if group.calls[0].verb != nil { note(reply) }
                if RedisRefusal.metForeignKey(reply), retirement.isDue(at: Self.monotonic) {
                    connection.retire()
                }
                group.complete(reply)
            }
            if again.isEmpty { return }
            open = again
            if !isLibraryGone { continue }
            do {
                try connection.loadLibraryIfMissing()
            } catch {
                for group in open { group.fail(error) }
                return
            }
        }
    }

    private func note(_ reply: RedisReply) {
        guard let values = reply.array, values.count >= 3, let now = values[0].number,
            let epoch = values[1].number
        else { return }
        let reading = Reading(
            serverNow: Timestamp(microseconds: now), receivedAt: Self.monotonic, epoch: epoch,
            isHeld: values[2].number == 1)
        latest.withLock { $0 = reading }
    }

    static var monotonic: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
