import Glibc
import TallyServers

/// Loopback TCP by descriptor; every wait is by `poll`, and ends at once when `wake` becomes readable.
enum Sockets {
    static func listen(port: Int) throws -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        var address = address(port)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                Glibc.bind(descriptor, raw, length) == 0 && getsockname(descriptor, raw, &length) == 0
            }
        }
        guard bound, Glibc.listen(descriptor, 128) == 0 else {
            let why = String(cString: strerror(errno))
            Glibc.close(descriptor)
            throw ServerProblem("cannot listen on port \(port): \(why)")
        }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// nil when nobody accepts there.
    static func connect(port: Int) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = address(port)
        let failed = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) != 0
            }
        }
        if failed {
            Glibc.close(descriptor)
            return nil
        }
        noDelay(descriptor)
        return descriptor
    }

    /// nil when whoever knocked is gone again.
    static func accept(_ listener: Int32) -> Int32? {
        let client = ChildProcess.apart { () -> Int32 in
            let client = Glibc.accept(listener, nil, nil)
            if client >= 0 { _ = fcntl(client, F_SETFD, FD_CLOEXEC) }
            return client
        }
        return client < 0 ? nil : client
    }

    static func noDelay(_ descriptor: Int32) {
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
    }

    /// The next close sends RST instead of FIN.
    static func resetOnClose(_ descriptor: Int32) {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// False when `wake` became readable, or the time passed.
    static func wait(_ descriptor: Int32, _ events: Int32, wake: Int32, milliseconds: Int32 = -1) -> Bool {
        var waiters = [
            pollfd(fd: descriptor, events: Int16(events), revents: 0),
            pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            let count = poll(&waiters, 2, milliseconds)
            if count < 0, errno == EINTR { continue }
            if count <= 0 || waiters[1].revents != 0 { return false }
            return waiters[0].revents != 0
        }
    }

    /// False when the peer is gone or `wake` became readable.
    static func sendAll(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, wake: Int32) -> Bool {
        var at = 0
        while at < bytes.count {
            let count = send(
                descriptor, bytes.baseAddress?.advanced(by: at), bytes.count - at,
                Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
            if count > 0 {
                at += count
            } else if errno == EAGAIN {
                guard wait(descriptor, POLLOUT, wake: wake) else { return false }
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return address
    }
}
