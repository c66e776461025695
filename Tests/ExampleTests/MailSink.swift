import Foundation
import Glibc
import Synchronization

/// A mail server on this machine that keeps what it is sent.
final class MailSink: Sendable {
    struct Mail: Sendable {
        var from = ""
        var to: [String] = []
        var lines: [String] = []
    }
    struct NoPort: Error {}

    let port: UInt16
    private let socket: Int32
    private let kept = Mutex<[Mail]>([])

    var mails: [Mail] { kept.withLock { $0 } }

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
        if !isBound { throw NoPort() }
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(socket, nil, nil)
                if connection < 0 { break }
                serve(connection)
                close(connection)
            }
            // Here alone: closed elsewhere, its number could be another's by the next accept.
            close(socket)
        }
    }

    /// Nobody can connect any more.
    func stop() { shutdown(socket, Int32(SHUT_RDWR)) }

    private func serve(_ connection: Int32) {
        var input = Lines(connection: connection)
        var mail = Mail()
        Self.say("220 sink", connection)
        while let line = input.next() {
            switch line.prefix(4).uppercased() {
            case "EHLO", "HELO": Self.say("250 sink", connection)
            case "MAIL":
                mail = Mail(from: Self.address(line))
                Self.say("250 ok", connection)
            case "RCPT":
                mail.to.append(Self.address(line))
                Self.say("250 ok", connection)
            case "DATA":
                Self.say("354 until a dot", connection)
                while let line = input.next(), line != "." {
                    mail.lines.append(line.hasPrefix(".") ? String(line.dropFirst()) : line)
                }
                kept.withLock { $0.append(mail) }
                Self.say("250 kept", connection)
            case "QUIT": return Self.say("221 bye", connection)
            default: Self.say("502 not here", connection)
            }
        }
    }

    /// What stands between angle brackets.
    private static func address(_ line: String) -> String {
        String(line.drop { $0 != "<" }.dropFirst().prefix { $0 != ">" })
    }

    private static func say(_ text: String, _ connection: Int32) {
        let bytes = Array("\(text)\r\n".utf8)
        // Few enough to go at once; a client that is gone must be no signal.
        _ = bytes.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
}

/// The lines that come in on a connection, without their ends.
private struct Lines {
    let connection: Int32
    var bytes: [UInt8] = []

    init(connection: Int32) { self.connection = connection }

    /// nil = the other side has closed.
    mutating func next() -> String? {
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
                let line = bytes[..<end].filter { $0 != UInt8(ascii: "\r") }
                bytes.removeSubrange(...end)
                return String(decoding: line, as: UTF8.self)
            }
            let count = piece.withUnsafeMutableBytes { recv(connection, $0.baseAddress, $0.count, 0) }
            if count <= 0 { return nil }
            bytes += piece[..<count]
        }
    }
}
