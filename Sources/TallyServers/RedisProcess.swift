import Foundation
import Glibc
import TallyCore

/// A private Redis server as a process.
package enum RedisProcess {
    /// It ended because it cannot read its own append-only file.
    package struct Damaged: Error, CustomStringConvertible {
        var folder: String
        package var description: String {
            "Redis refuses its append-only file; to cut it where the damage begins: redis-check-aof --fix "
                + Pasted.word("\(folder)/appendonlydir/appendonly.aof.manifest")
        }
    }

    /// Starts it as a daemon and waits until it answers. Answers its port.
    ///
    /// - Parameter options: lines of redis.conf that win over those below.
    /// - Throws: `Damaged`; `ServerProblem` with the end of its log.
    package static func start(
        folder: String, password: String, _ tools: ServerTools, preferred: Int, options: [String] = []
    ) throws -> Int {
        var last = ""
        for attempt in 0..<Limits.serverTries {
            try Task.checkCancellation()
            // Clients know the port of a server that was there before: it is given up last.
            let isOwn = attempt < Limits.serverOwnTries && preferred != 0
            let port = isOwn ? preferred : try ServerTools.freePort()
            try? FileManager.default.removeItem(atPath: "\(folder)/pid")  // of an earlier run, if any
            let lines = [configuration(folder, password, port)] + options
            try lines.joined(separator: "\n").write(
                toFile: "\(folder)/redis.conf", atomically: true, encoding: .utf8)
            chmod("\(folder)/redis.conf", 0o600)
            let earlier = log(folder).count
            try ServerTools.run(
                [tools.redisServer, "\(folder)/redis.conf"], folder: folder, isCancellable: false)
            do {
                if try waitUntilUp(folder, port, after: earlier) { return port }
            } catch is TornTail {
                try cutAppendOnlyFile(folder)
            }
            last = log(folder)
        }
        throw ServerProblem("the private Redis does not start:\n\(last.suffix(Limits.logCharacters))")
    }

    /// Cuts it where its damage begins: what follows is lost.
    package static func cutAppendOnlyFile(_ folder: String) throws {
        try ServerTools.run([
            "/bin/sh", "-c", "echo y | redis-check-aof --fix \"$0\"",
            "\(folder)/appendonlydir/appendonly.aof.manifest",
        ])
    }

    private static func configuration(_ folder: String, _ password: String, _ port: Int) -> String {
        """
        port \(port)
        bind 127.0.0.1
        requirepass \(password)
        dir "\(folder)"
        pidfile "\(folder)/pid"
        logfile "\(folder)/log"
        daemonize yes
        appendonly yes
        appendfsync everysec
        save ""
        # Redis 7.0 cuts a torn tail behind the last whole command, be that in the middle of a transaction, which then
        # takes effect by halves at the start after the next: `redis-check-aof` cuts before it.
        aof-load-truncated no
        maxmemory-policy noeviction
        # The log and its trimming write about 800 bytes a job: a rewrite each 64 MB would never rest.
        auto-aof-rewrite-min-size 1gb
        """
    }

    /// Its append-only file ends in the middle of a write, which nobody was told of.
    private struct TornTail: Error {}

    /// - Parameter earlier: so many characters of its log are from before.
    private static func waitUntilUp(_ folder: String, _ port: Int, after earlier: Int) throws -> Bool {
        var absences = 0
        // While it loads its data it takes connections, and may still end over what it reads.
        while absences < Limits.serverLooks {
            let isThere = PrivateServers.pid("\(folder)/pid", of: "redis") != nil
            // Until its pid is known nobody could end it, and it would outlive a start that is broken off.
            if isThere || absences > Limits.serverLooks / 10 { try Task.checkCancellation() }
            let said = log(folder).dropFirst(earlier)
            if isThere, said.contains("Ready to accept connections"), canConnect(port) { return true }
            if !isThere {
                if said.contains("Address already in use") { return false }
                if said.contains("Unexpected end of file reading the append only file") { throw TornTail() }
                if said.contains("Bad file format reading the append only file") {
                    throw Damaged(folder: folder)
                }
                absences += 1
            }
            usleep(UInt32(Limits.serverLook.microseconds))
        }
        return false
    }

    private static func log(_ folder: String) -> String {
        // none yet: nothing was said
        (try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? ""
    }

    /// Whether something listens on the port of this machine.
    package static func canConnect(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
