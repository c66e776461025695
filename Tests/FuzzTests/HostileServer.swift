import Foundation
import Glibc
import Synchronization
import TestSupport

/// Answers each connection with bytes of a test's choice, whatever is asked, and hears it out.
final class HostileServer: Sendable {
    let port: UInt16
    private let socket: Int32
    private let answer = Mutex<[UInt8]>([])

    init() throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = socket
        let isBound = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(socket, address, length) == 0 && listen(socket, 16) == 0
                    && getsockname(socket, address, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        if !isBound { throw TookTooLong("no port for a server") }
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(socket, nil, nil)
                if connection < 0 { break }
                serve(connection)
            }
            // Here alone: closed elsewhere, its number could be another's by the next accept.
            close(socket)
        }
    }

    /// What the next connection is told.
    func tell(_ bytes: [UInt8]) { answer.withLock { $0 = bytes } }

    /// Nobody can connect any more.
    func stop() { shutdown(socket, Int32(SHUT_RDWR)) }

    private func serve(_ connection: Int32) {
        var rest = answer.withLock { $0 }[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { break }
            rest = rest.dropFirst(count)
        }
        // Nothing more comes, so that nobody waits for it; what is asked is still taken.
        shutdown(connection, Int32(SHUT_WR))
        var piece = [UInt8](repeating: 0, count: 4096)
        while piece.withUnsafeMutableBytes({ recv(connection, $0.baseAddress, $0.count, 0) }) > 0 {}
        close(connection)
    }
}
