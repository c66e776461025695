import Foundation
import Glibc
import Synchronization
import TallyCore
import TallyRedis

/// A Redis of a test's own, in a folder of its own: it may be killed, filled up and started again.
package final class PrivateRedis: Sendable {
    package let folder: String
    package let port: Int
    private let options: [String]
    private let pid = Mutex<pid_t?>(nil)

    package var url: String { "redis://127.0.0.1:\(port)/0" }

    package static func with(_ options: [String] = [], _ body: (PrivateRedis) async throws -> Void)
        async throws
    {
        let redis = PrivateRedis(options)
        defer { redis.remove() }
        try await redis.start()
        try await body(redis)
    }

    private init(_ options: [String]) {
        self.options = options
        folder = NSTemporaryDirectory() + "/tally-redis-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        port = Self.freePort()
    }

    package func start() async throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let words =
            [
                "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder, "--logfile",
                "\(folder)/log", "--save", "", "--appendonly", "yes", "--appendfsync", "always",
            ] + options
        try await eventually("redis-server answers") {
            if !isRunning { try spawn(words) }
            switch await caught(QueueError.self, { try RawRedis(url: url) })?.code {
            case .unavailable?: return false
            default: return true  // up, if perhaps not to our liking
            }
        }
    }

    private func spawn(_ words: [String]) throws {
        var new: pid_t = 0
        let arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        let failed = posix_spawnp(&new, words[0], nil, nil, arguments, environ)
        if failed != 0 { throw TookTooLong("redis-server: \(String(cString: strerror(failed)))") }
        pid.withLock { $0 = new }
    }

    /// False before the first start and when it ended by itself, say because its port was taken.
    private var isRunning: Bool {
        pid.withLock { pid in
            guard let running = pid else { return false }
            var status: Int32 = 0
            if waitpid(running, &status, WNOHANG) == 0 { return true }
            pid = nil
            return false
        }
    }

    /// As a power cut would.
    package func kill() { end(SIGKILL) }
    package func stop() { end(SIGTERM) }
    /// Alive, but answering nothing until `resume`.
    package func freeze() { pid.withLock { if let pid = $0 { _ = Glibc.kill(pid, SIGSTOP) } } }
    package func resume() { pid.withLock { if let pid = $0 { _ = Glibc.kill(pid, SIGCONT) } } }

    private func end(_ signal: Int32) {
        pid.withLock { pid in
            guard let running = pid else { return }
            _ = Glibc.kill(running, signal)
            _ = Glibc.kill(running, SIGCONT)
            var status: Int32 = 0
            while waitpid(running, &status, 0) < 0, errno == EINTR {}
            pid = nil
        }
    }

    private func remove() {
        kill()
        try? FileManager.default.removeItem(atPath: folder)  // best effort: a temporary folder
    }

    /// Below the range that outgoing connections take, also with the 10,000 that a cluster adds for its bus: it stays
    /// free while the server is down.
    private static func freePort() -> Int {
        while true {
            let port = Int.random(in: 12_000..<22_000)
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
            address.sin_port = UInt16(port).bigEndian
            let isFree = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            if isFree { return port }
        }
    }
}
