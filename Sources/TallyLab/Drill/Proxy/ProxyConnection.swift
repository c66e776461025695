import Glibc
import Synchronization
import TallyConnections

/// One connection through a link: a thread for each direction. The last of the two to end closes both sockets, so no
/// descriptor is used after its close.
final class ProxyConnection: Sendable {
    private struct State {
        var running = 2
        var isCut = false
        /// The client has spoken since the server last did: what the server says next begins a reply.
        var isAsking = false
        /// Bytes that passed since the link's mode began to count them.
        var passed = 0
    }

    private let link: ProxyLink
    private let client: Int32
    /// -1 = none: nobody answers.
    private let server: Int32
    private let signal = WakePipe()
    private let state = Mutex(State())

    init(_ link: ProxyLink, client: Int32, server: Int32) {
        self.link = link
        self.client = client
        self.server = server
    }

    /// Where there is no thread for a direction, both are cut: the client hears a reset, as of a server that is busy.
    func start() {
        for isUp in [true, false] {
            do {
                try startThread { [self] in
                    pump(isUp: isUp)
                    end()
                }
            } catch {
                cut()
                end()
            }
        }
    }

    /// Resets both sides, as soon as both threads have noticed.
    func cut() {
        let isFirst = state.withLock { state in
            if state.isCut || state.running == 0 { return false }
            state.isCut = true
            signal.raise()  // under the lock: it is not closed yet
            return true
        }
        if isFirst { link.count { $0.cut += 1 } }
    }

    /// The client hears that the server says no more.
    func halfClose() {
        let done = state.withLock { state in
            if state.isCut || state.running == 0 { return false }
            shutdown(client, Int32(SHUT_WR))
            return true
        }
        if done { link.count { $0.cut += 1 } }
    }

    private func end() {
        let isLast = state.withLock { state in
            state.running -= 1
            guard state.running == 0 else { return false }
            if state.isCut {
                Sockets.resetOnClose(client)
                if server >= 0 { Sockets.resetOnClose(server) }
            }
            Glibc.close(client)
            if server >= 0 { Glibc.close(server) }
            signal.close()
            return true
        }
        if isLast { link.forget(self) }
    }

    // MARK: On the threads

    private func pump(isUp: Bool) {
        let from = isUp ? client : server
        let to = isUp ? server : client
        if server < 0 {
            if isUp { drainUnanswered() }
            return
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 8)
        defer { buffer.deallocate() }
        while Sockets.wait(from, POLLIN, wake: signal.reading) {
            let count = recv(from, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            if count <= 0 {
                if count < 0 { return cutQuietly() }
                shutdown(to, Int32(SHUT_WR))
                return
            }
            let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            guard forward(piece, to, isUp: isUp) else { return }
        }
    }

    /// Reads until the client gives up: an answer never comes.
    private func drainUnanswered() {
        var byte = [UInt8](repeating: 0, count: 4096)
        while Sockets.wait(client, POLLIN, wake: signal.reading) {
            let count = recv(client, &byte, byte.count, Int32(MSG_DONTWAIT))
            if count == 0 || count < 0 && errno != EAGAIN && errno != EINTR { return }
        }
    }

    /// A peer that reset: the other side is to hear the same. Not the proxy's doing, so it is not counted.
    private func cutQuietly() {
        state.withLock { state in
            if state.isCut { return }
            state.isCut = true
            signal.raise()
        }
    }

    /// False when the connection is to end.
    private func forward(_ piece: UnsafeRawBufferPointer, _ to: Int32, isUp: Bool) -> Bool {
        guard waitForLeave(isUp: isUp, piece.count) else { return false }
        let startsReply = state.withLock { state in
            defer { state.isAsking = isUp }
            return !isUp && state.isAsking
        }
        switch link.mode {
        case .dropNextReply where startsReply:
            link.count { $0.swallowed += 1 }
            cut()
            return false
        case .corrupt where startsReply:
            link.count { $0.garbled += 1 }
            let garbage = [UInt8](repeating: 0xFF, count: 64)
            _ = garbage.withUnsafeBytes { Sockets.sendAll(to, $0, wake: signal.reading) }
            return endPolitely(to)
        case .truncate where startsReply:
            link.count { $0.swallowed += 1 }
            _ = Sockets.sendAll(
                to, UnsafeRawBufferPointer(rebasing: piece[..<(piece.count / 2)]), wake: signal.reading)
            return endPolitely(to)
        case .cutAfter(let most, let up) where up == isUp:
            let before = state.withLock { state in
                defer { state.passed += piece.count }
                return state.passed
            }
            guard before + piece.count > most else { break }
            let part = UnsafeRawBufferPointer(rebasing: piece[..<max(0, most - before)])
            _ = Sockets.sendAll(to, part, wake: signal.reading)
            cut()
            return false
        default: break
        }
        link.count { isUp ? ($0.bytesUp += piece.count) : ($0.bytesDown += piece.count) }
        return Sockets.sendAll(to, piece, wake: signal.reading)
    }

    /// Ends with FIN: after RST the last bytes might never be read.
    private func endPolitely(_ to: Int32) -> Bool {
        shutdown(to, Int32(SHUT_WR))
        link.count { $0.cut += 1 }
        cutQuietlyLater()
        return false
    }

    /// The other direction ends when the client, which has been told the end, hangs up.
    private func cutQuietlyLater() {
        shutdown(server, Int32(SHUT_RDWR))
    }

    /// Delay, rate and blackhole. False when the connection was cut meanwhile.
    private func waitForLeave(isUp: Bool, _ bytes: Int) -> Bool {
        var isHeld = false
        while true {
            var pause = 0  // µs
            switch link.mode {
            case .blackhole(let up, let down) where isUp ? up : down: pause = -1
            case .delay(let time, let jitter) where !isHeld:
                pause = max(1000, time + (jitter > 0 ? Int.random(in: -jitter...jitter) : 0))
            case .rate(let perSecond) where !isHeld: pause = max(1000, bytes * 1_000_000 / max(1, perSecond))
            default: return !isCutNow
            }
            if !isHeld { link.count { $0.held += 1 } }
            isHeld = true
            // A blackhole ends when its link says so: looked at each 5 ms.
            var waiter = pollfd(fd: signal.reading, events: Int16(POLLIN), revents: 0)
            if poll(&waiter, 1, pause < 0 ? 5 : Int32(min(60_000, pause / 1000))) != 0 { return false }
        }
    }

    private var isCutNow: Bool { state.withLock { $0.isCut } }
}
