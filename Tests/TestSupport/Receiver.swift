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
    private let listener: LoopbackListener
    private let answer: @Sendable (Request) -> [UInt8]?
    /// What is sent behind the answer, again and again, until the client hangs up.
    private let endless: [UInt8]
    private let isHeld: Bool
    private let held = Mutex<[Int32]>([])

    package var port: UInt16 { listener.port }
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
        listener = try LoopbackListener(isIPv6: isIPv6)
        listener.start { [self] in serve($0) }
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
        listener.stop()
        for connection in held.withLock({ $0 }) { close(connection) }
    }

    private func serve(_ connection: Int32) {
        guard let request = Self.read(connection) else {
            close(connection)
            return
        }
        requests.append(request)
        guard let answer = answer(request) else { return held.withLock { $0.append(connection) } }
        var isHeard = LoopbackListener.send(answer, connection)
        while isHeard, !endless.isEmpty { isHeard = LoopbackListener.send(endless, connection) }
        if isHeld { return held.withLock { $0.append(connection) } }
        close(connection)
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
