import Foundation
import Glibc

/// A bare connection to a server of the drill's own, past every proxy and every check: for harm and for counting.
/// One command a connection; blocking, so from threads of the drill only.
struct AdminRedis: Sendable {
    let port: Int
    let password: String

    indirect enum Reply: Sendable {
        case text(String)
        case bulk([UInt8])
        case number(Int)
        case list([Reply])
        case null
        case error(String)

        var number: Int? {
            switch self {
            case .number(let number): number
            default: text.flatMap { Int($0) }
            }
        }
        var text: String? {
            switch self {
            case .text(let text): text
            case .bulk(let bytes): String(decoding: bytes, as: UTF8.self)
            default: nil
            }
        }
        var list: [Reply] { if case .list(let list) = self { list } else { [] } }
    }

    /// nil when the server cannot be reached or does not answer within `seconds`.
    func ask(_ words: String..., seconds: Int = 5) -> Reply? { ask(words, seconds: seconds) }

    func ask(_ words: [String], seconds: Int = 5) -> Reply? {
        guard let descriptor = Sockets.connect(port: port) else { return nil }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var request: [UInt8] = []
        for command in [["AUTH", password], words] {
            request += Array("*\(command.count)\r\n".utf8)
            for word in command { request += Array("$\(word.utf8.count)\r\n\(word)\r\n".utf8) }
        }
        guard
            request.withUnsafeBytes({ send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) })
                == request.count
        else { return nil }
        var reader = Reader(descriptor: descriptor)
        guard case .text = reader.next() else { return nil }
        return reader.next()
    }

    /// One fact of INFO.
    func info(_ name: String) -> String? {
        guard let text = ask("INFO", "everything")?.text else { return nil }
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix(name + ":") {
            return String(line.dropFirst(name.utf8.count + 1))
        }
        return nil
    }

    private struct Reader {
        let descriptor: Int32
        var bytes: [UInt8] = []
        var at = 0

        private mutating func more() -> Bool {
            var piece = [UInt8](repeating: 0, count: 16 << 10)
            let count = recv(descriptor, &piece, piece.count, 0)
            if count <= 0 { return false }
            bytes += piece[..<count]
            return true
        }

        private mutating func line() -> String? {
            while true {
                if let end = bytes[at...].firstIndex(of: 13), end + 1 < bytes.count {
                    defer { at = end + 2 }
                    return String(decoding: bytes[at..<end], as: UTF8.self)
                }
                if !more() { return nil }
            }
        }

        mutating func next() -> Reply? {
            guard let head = line(), let kind = head.first else { return nil }
            let rest = String(head.dropFirst())
            switch kind {
            case "+": return .text(rest)
            case "-": return .error(rest)
            case ":": return .number(Int(rest) ?? 0)
            case "$":
                guard let count = Int(rest) else { return nil }
                if count < 0 { return .null }
                while bytes.count < at + count + 2 { if !more() { return nil } }
                defer { at += count + 2 }
                return .bulk(Array(bytes[at..<at + count]))
            case "*":
                guard let count = Int(rest) else { return nil }
                if count < 0 { return .null }
                var list: [Reply] = []
                for _ in 0..<count {
                    guard let item = next() else { return nil }
                    list.append(item)
                }
                return .list(list)
            default: return nil
            }
        }
    }
}
