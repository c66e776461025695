import CHiredis
import Glibc
import TallyConnections
import TallyCore

/// One blocking connection. The only file that touches hiredis; every reply is copied into Swift at once. What a new
/// connection says and checks first stands beside it, in `RedisConnection+Handshake.swift`.
///
/// Not thread-safe: it is made, used and closed on one thread.
package final class RedisConnection: BlockingConnection {
    /// This object's, from `redisConnect…` to `redisFree`: nil once it is closed.
    private var context: UnsafeMutablePointer<redisContext>?
    /// False once it is closed, or left by an error in a state that nobody knows: then it carries nothing.
    private var isIntact = true
    private var isRetired = false
    /// False once it is closed, retired or broken: whoever holds it opens another before the next call.
    package var isUsable: Bool { isIntact && !isRetired }
    /// Where the server is, for messages: without credentials.
    private let place: String
    /// How long the reply that is waited for may take.
    private var replyLimit: Duration
    /// The server process' own id: it changes at every restart, and differs on a replica that took over.
    package private(set) var runID = ""
    /// What the server told of itself as it was connected to, where nothing of it was checked.
    package private(set) var facts: [String: String] = [:]

    /// - Parameter isChecked: false for a look at a server that no queue may use.
    /// - Throws: `QueueError` `.unavailable`, or `.wrongServer` with what to change.
    package init(
        _ configuration: RedisConfiguration, loadingLibrary: Bool = true, isChecked: Bool = true
    ) throws(QueueError) {
        place = configuration.place
        // A server that hangs takes new connections all the same, and then says nothing.
        replyLimit = min(configuration.connectTimeout, configuration.replyTimeout)
        let seconds = configuration.connectTimeout.microseconds
        let limit = timeval(tv_sec: Int(seconds / 1_000_000), tv_usec: Int(seconds % 1_000_000))
        switch configuration.address {
        case .tcp(let host, let port): context = redisConnectWithTimeout(host, Int32(port), limit)
        case .unix(let path): context = redisConnectUnixWithTimeout(path, limit)
        }
        guard let context, context.pointee.err == 0 else {
            let why = errorText(configuration.connectTimeout)
            close()
            throw QueueError(.unavailable, "connect to Redis", "\(place): \(why)")
        }
        limitReply(replyLimit)
        var one: Int32 = 1
        setsockopt(context.pointee.fd, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
        // A child that inherited it would keep the connection open after its end here.
        _ = fcntl(context.pointee.fd, F_SETFD, FD_CLOEXEC)
        do {
            let told = try handshake(configuration, loadingLibrary: loadingLibrary, isChecked: isChecked)
            if isChecked { runID = told.runID } else { facts = told.lines }
        } catch {
            close()
            throw error
        }
        limitReply(configuration.replyTimeout)
    }

    /// Whoever holds it connects anew before the next write; what is under way is still answered.
    func retire() { isRetired = true }

    /// Frees the context, once: closing it again does nothing.
    package func close() {
        isIntact = false
        if let context { redisFree(context) }
        context = nil
    }

    deinit { close() }

    /// How long a reply may take.
    func limitReply(_ time: Duration) {
        replyLimit = time
        let microseconds = time.microseconds
        if let context {
            redisSetTimeout(
                context,
                timeval(tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000)))
        }
    }

    /// For `shutdown` from another thread, which ends a blocking read.
    var descriptor: Int32 { context?.pointee.fd ?? -1 }

    /// Whether the other end has hung up since the last reply: then nothing sent now could be answered.
    var isStale: Bool {
        guard isUsable, let context else { return true }
        var event = pollfd(fd: context.pointee.fd, events: Int16(POLLIN), revents: 0)
        return poll(&event, 1, 0) != 0
    }

    /// Sends all requests, then reads one reply for each. After a throw the connection is unusable, and how many of
    /// the requests ran is unknown.
    package func send(_ bytes: [UInt8], replies: Int) throws(QueueError) -> [RedisReply] {
        guard isIntact, let context else { throw QueueError(.unavailable, "send to Redis") }
        let appended = bytes.withUnsafeBytes {
            redisAppendFormattedCommand(
                context, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
        }
        guard appended == REDIS_OK else { throw broken("send to Redis") }
        var answers: [RedisReply] = []
        answers.reserveCapacity(replies)
        for _ in 0..<replies {
            // hiredis hands the reply over; it is copied, and freed before the next one is read.
            var raw: UnsafeMutableRawPointer?
            guard redisGetReply(context, &raw) == REDIS_OK, let raw else { throw broken("read from Redis") }
            let reply = raw.assumingMemoryBound(to: redisReply.self)
            answers.append(Self.copy(reply))
            freeReplyObject(raw)
        }
        return answers
    }

    /// One command that is no function. An error reply is a value here, for its caller knows what it may mean.
    ///
    /// - Throws: `.uncertain` when the answer did not come: it may have run. `.unavailable` on a connection that has
    ///   failed before.
    package func command(_ words: [String]) throws(QueueError) -> RedisReply {
        var writer = RESPWriter()
        writer.array(words.count)
        for word in words { writer.bulk(word) }
        return try send(writer.bytes, replies: 1)[0]
    }

    private func broken(_ operation: String) -> QueueError {
        let why = errorText(replyLimit)
        isIntact = false
        return QueueError(.uncertain, operation, "\(place): \(why)")
    }

    /// - Parameter limit: how long was waited, where it is the time that ran out.
    private func errorText(_ limit: Duration) -> String {
        let code = errno
        guard let context else { return "out of memory" }
        if context.pointee.err == REDIS_ERR_IO {
            // A read whose time ran out is told as EAGAIN, "Resource temporarily unavailable".
            let isLate = code == EAGAIN || code == ETIMEDOUT
            return isLate
                ? "did not answer within \(limit.microseconds / 1000) ms" : String(cString: strerror(code))
        }
        return withUnsafeBytes(of: context.pointee.errstr) { raw in
            String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    private static func copy(_ reply: UnsafeMutablePointer<redisReply>) -> RedisReply {
        let value = reply.pointee
        func bytes() -> [UInt8] {
            guard let start = value.str else { return [] }
            return Array(UnsafeRawBufferPointer(start: start, count: Int(value.len)))
        }
        switch value.type {
        case REDIS_REPLY_STRING: return .bytes(bytes())
        case REDIS_REPLY_INTEGER: return .integer(value.integer)
        case REDIS_REPLY_STATUS: return .status(String(decoding: bytes(), as: UTF8.self))
        case REDIS_REPLY_ERROR: return .error(String(decoding: bytes(), as: UTF8.self))
        case REDIS_REPLY_ARRAY:
            var items: [RedisReply] = []
            items.reserveCapacity(Int(value.elements))
            for index in 0..<Int(value.elements) { items.append(copy(value.element[index]!)) }
            return .array(items)
        case REDIS_REPLY_NIL: return .null
        default: return .error("a reply of unknown type \(value.type)")
        }
    }
}
