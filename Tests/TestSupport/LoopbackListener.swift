import Foundation
import Glibc

/// A port of this machine, and a thread that takes its connections one after the other.
package final class LoopbackListener: Sendable {
    package let port: UInt16
    private let socket: Int32

    /// Whoever connects waits until it is started.
    ///
    /// - Parameter isIPv6: whether it listens on `::1` in place of 127.0.0.1.
    package init(isIPv6: Bool = false) throws {
        (socket, port) = try isIPv6 ? Self.bound(Self.loopback6) : Self.bound(Self.loopback4)
    }

    /// - Parameter serve: answers a connection, and closes it or keeps it.
    package func start(_ serve: @escaping @Sendable (_ connection: Int32) -> Void) {
        Thread.detachNewThread { [socket] in
            while true {
                let connection = accept(socket, nil, nil)
                if connection < 0 { break }
                serve(connection)
            }
            // Here alone: closed elsewhere, its number could be another's by the next accept.
            close(socket)
        }
    }

    /// Nobody can connect any more.
    package func stop() { shutdown(socket, Int32(SHUT_RDWR)) }

    /// Whether all of it went; a client that has read enough closes.
    package static func send(_ bytes: [UInt8], _ connection: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            // A client that is gone must be no signal.
            let count = rest.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static var loopback4: sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static var loopback6: sockaddr_in6 {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        inet_pton(AF_INET6, "::1", &address.sin6_addr)
        return address
    }

    /// A socket that listens there, and the port that the system has chosen.
    private static func bound<Address>(_ address: Address) throws -> (socket: Int32, port: UInt16) {
        let family = address is sockaddr_in6 ? AF_INET6 : AF_INET
        let socket = Glibc.socket(family, Int32(SOCK_STREAM.rawValue), 0)
        var address = address
        var length = socklen_t(MemoryLayout<Address>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(socket, address, length) == 0 && listen(socket, 16) == 0
                    && getsockname(socket, address, &length) == 0
            }
        }
        if !isBound { throw TookTooLong("no port for a server") }
        // Both kinds of address have it behind two bytes.
        let port = withUnsafeBytes(of: address) {
            UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        }
        return (socket, port)
    }
}
