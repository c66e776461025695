import Foundation
import Glibc
import Synchronization

/// A server of HTTP on this machine, a connection a request.
package final class Receiver: Sendable {
    package struct Request: Sendable {
        package var line: String
        /// By their names in small letters.
        package var headers: [String: String]
        package var body: [UInt8]
    }

    package let requests = Journal<Request>()
    package let port: UInt16
    private let socket: Int32
    private let answer: @Sendable (Request) -> [UInt8]?
    /// What is sent behind the answer, again and again, until the client hangs up.
    private let endless: [UInt8]
    private let isHeld: Bool
    private let held = Mutex<[Int32]>([])

    package var url: String { "http://127.0.0.1:\(port)/hook" }

    /// - Parameters:
    ///   - isIPv6: whether it listens on `::1` in place of 127.0.0.1.
    ///   - endless: what follows the answer without an end.
    ///   - isHeld: whether the connection stays open behind the answer.
    ///   - answer: all that is sent back; nil = nothing, and the connection stays open.
    package init(
        isIPv6: Bool = false, endless: String = "", isHeld: Bool = false,
        _ answer: @escaping @Sendable (Request) -> [UInt8]?
    ) throws {
        self.answer = answer
        self.endless = Array(endless.utf8)
        self.isHeld = isHeld
        let socket = Glibc.socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.socket = socket
        port =
            try isIPv6
            ? Self.listen(socket, Self.loopback6) : Self.listen(socket, Self.loopback4)
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

    /// Answers the port that the system has chosen.
    private static func listen<Address>(_ socket: Int32, _ address: Address) throws -> UInt16 {
        var address = address
        var length = socklen_t(MemoryLayout<Address>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(socket, address, length) == 0 && Glibc.listen(socket, 16) == 0
                    && getsockname(socket, address, &length) == 0
            }
        }
        if !isBound { throw TookTooLong("no port for a receiver") }
        // Both kinds of address have it behind two bytes.
        return withUnsafeBytes(of: address) {
            UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        }
    }

    /// A status line with headers of the caller's choice, and a body.
    package convenience init(_ status: String, headers: [String] = [], body: String = "") throws {
        let head =
            ["HTTP/1.1 \(status)"] + headers + ["Content-Length: \(body.utf8.count)", "Connection: close"]
        let text = head.joined(separator: "\r\n") + "\r\n\r\n" + body
        try self.init { _ in Array(text.utf8) }
    }

    /// Ends what waits for an answer. Nobody can connect any more.
    package func stop() {
        shutdown(socket, Int32(SHUT_RDWR))
        for connection in held.withLock({ $0 }) { close(connection) }
    }

    private func serve(_ connection: Int32) {
        guard let request = Self.read(connection) else {
            close(connection)
            return
        }
        requests.append(request)
        guard let answer = answer(request) else { return held.withLock { $0.append(connection) } }
        var isHeard = Self.send(answer, connection)
        while isHeard, !endless.isEmpty { isHeard = Self.send(endless, connection) }
        if isHeld { return held.withLock { $0.append(connection) } }
        close(connection)
    }

    private static func send(_ bytes: [UInt8], _ connection: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            // A client that has read enough closes; that must be no signal.
            let count = rest.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let headEnd = bytes.firstRange(of: end) {
                var request = parse(String(decoding: bytes[..<headEnd.lowerBound], as: UTF8.self))
                let wanted = Int(request.headers["content-length"] ?? "") ?? 0
                if bytes.count - headEnd.upperBound >= wanted {
                    request.body = Array(bytes[headEnd.upperBound...])
                    return request
                }
            }
            let count = piece.withUnsafeMutableBytes { recv(connection, $0.baseAddress, $0.count, 0) }
            if count <= 0 { return nil }
            bytes += piece[..<count]
        }
    }

    private static func parse(_ head: String) -> Request {
        let lines = head.components(separatedBy: "\r\n")
        var request = Request(line: lines[0], headers: [:], body: [])
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            request.headers[line[..<colon].lowercased()] = value
        }
        return request
    }
}
