import Glibc
import Synchronization
import TestSupport

/// A mail server on this machine that keeps what it is sent.
final class MailSink: Sendable {
    struct Mail: Sendable {
        var from = ""
        var to: [String] = []
        var lines: [String] = []
    }

    private let listener: LoopbackListener
    private let kept = Mutex<[Mail]>([])

    var port: UInt16 { listener.port }
    var mails: [Mail] { kept.withLock { $0 } }

    init() throws {
        listener = try LoopbackListener()
        listener.start { [self] connection in
            serve(connection)
            close(connection)
        }
    }

    /// Nobody can connect any more.
    func stop() { listener.stop() }

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
        // A client that is gone is seen by the next line, which does not come.
        _ = LoopbackListener.send(Array("\(text)\r\n".utf8), connection)
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
