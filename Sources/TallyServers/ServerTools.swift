import Foundation
import Glibc
import TallyCore

/// Where the servers' programs are. Debian puts no `initdb` on the path.
package struct ServerTools {
    /// The path of `redis-server`.
    package var redisServer: String
    /// The folder of `initdb`, `pg_ctl` and `postgres`.
    package var postgresBin: String

    /// The `redis-server` that `PATH` finds, and the newest Postgres that is installed.
    ///
    /// - Throws: `ServerProblem` that says what is missing and how to install it.
    package static func find() throws -> ServerTools {
        let hint = "install the packages redis-server and postgresql; in the source tree ops/up does"
        guard let redis = find("redis-server") else {
            throw ServerProblem("redis-server is not installed; \(hint)")
        }
        guard
            let bin = postgresFolders().first(where: {
                isExecutable("\($0)/initdb") && isExecutable("\($0)/postgres")
            })
        else { throw ServerProblem("PostgreSQL's initdb is not installed; \(hint)") }
        return ServerTools(redisServer: redis, postgresBin: bin)
    }

    private static func postgresFolders() -> [String] {
        var folders: [String] = []
        // none: no folder
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        folders += versions.compactMap(Int.init).sorted(by: >).map { "/usr/lib/postgresql/\($0)/bin" }
        // not there: the next place
        if let config = find("pg_config"), let text = try? run([config, "--bindir"]) {
            folders.append(text.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        return folders
    }

    /// The path of a program, by `PATH` and then in the usual folders; nil where it is not installed.
    package static func find(_ program: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return (path.split(separator: ":").map(String.init) + ["/usr/bin", "/usr/sbin", "/usr/local/bin"])
            .map { "\($0)/\(program)" }.first(where: isExecutable)
    }

    private static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }

    /// Runs a program to its end, in `folder`. Answers what it printed.
    ///
    /// - Parameter isCancellable: false for a program that leaves another running, which has to be known to be ended.
    /// - Throws: what it printed, when it failed.
    @discardableResult
    package static func run(
        _ words: [String], folder: String = "/", isCancellable: Bool = true
    ) throws -> String {
        let log =
            "\(FileManager.default.temporaryDirectory.path)/tally-run-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        defer { unlink(log) }
        let child = try ChildProcess.start(["/usr/bin/env", "-C", folder] + words, output: log)
        let status = try isCancellable ? ChildProcess.waitCancellably(child) : ChildProcess.wait(child)
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""  // not UTF-8: no text to show
        if status != 0 {
            throw ServerProblem("\(words[0]) failed (\(status)): \(text.suffix(Limits.logCharacters))")
        }
        return text
    }

    /// A loopback port that is free now. Somebody may take it before it is used: callers try again.
    package static func freePort() throws -> Int {
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
        guard bound else {
            throw ServerProblem("no loopback port is free: \(String(cString: strerror(errno)))")
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
