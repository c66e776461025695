import Foundation
import Glibc

/// Where the servers' programs are. Debian puts no `initdb` on the path.
struct ServerTools {
    var redisServer: String
    var postgresBin: String

    static func find() throws -> ServerTools {
        let hint = "run ops/up, which installs redis-server and postgresql"
        guard let redis = find("redis-server") else { throw ServerProblem("redis-server is not installed; \(hint)") }
        guard let bin = postgresFolders().first(where: { isExecutable("\($0)/initdb") && isExecutable("\($0)/postgres") })
        else { throw ServerProblem("PostgreSQL's initdb is not installed; \(hint)") }
        return ServerTools(redisServer: redis, postgresBin: bin)
    }

    private static func postgresFolders() -> [String] {
        var folders: [String] = []
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []  // none: no folder
        folders += versions.compactMap(Int.init).sorted(by: >).map { "/usr/lib/postgresql/\($0)/bin" }
        if let config = find("pg_config"), let text = try? run([config, "--bindir"]) {  // not there: the next place
            folders.append(text.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        return folders
    }

    static func find(_ program: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return (path.split(separator: ":").map(String.init) + ["/usr/bin", "/usr/sbin", "/usr/local/bin"])
            .map { "\($0)/\(program)" }.first(where: isExecutable)
    }

    private static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }

    /// Runs a program to its end, in `folder`. Answers what it printed. By `posix_spawn`: Foundation's `Process` waits for
    /// every heir of the program too, and a server that daemonizes never ends.
    ///
    /// - Throws: what it printed, when it failed.
    @discardableResult
    static func run(_ words: [String], folder: String = "/") throws -> String {
        let log = "\(FileManager.default.temporaryDirectory.path)/tally-run-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        defer { unlink(log) }
        let status = try spawn(["/usr/bin/env", "-C", folder] + words, output: log)
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""  // not UTF-8: no text to show
        if status != 0 { throw ServerProblem("\(words[0]) failed (\(status)): \(text.suffix(2000))") }
        return text
    }

    private static func spawn(_ words: [String], output: String) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own: Ctrl-C is for this program, which then stops the servers in order.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        let arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let failed = posix_spawn(&pid, words[0], &actions, &attributes, arguments, environ)
        if failed != 0 { throw ServerProblem("\(words[0]): \(String(cString: strerror(failed)))") }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            if errno != EINTR { throw ServerProblem("\(words[0]): \(String(cString: strerror(errno)))") }
        }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }

    /// A loopback port that is free now. Somebody may take it before it is used: callers try again.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(descriptor, raw, length) == 0 && getsockname(descriptor, raw, &length) == 0
            }
        }
        guard bound else { throw ServerProblem("no loopback port is free: \(String(cString: strerror(errno)))") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
