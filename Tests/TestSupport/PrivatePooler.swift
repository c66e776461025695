import Foundation
import Glibc
import Synchronization
import TallyCore
import TallyServers

/// A PgBouncer in transaction mode of a test's own, before the Postgres of the tests.
package final class PrivatePooler: Sendable {
    private let program: String
    private let folder: String
    private let upstream: StoreAddress
    private let running = Mutex<(pid: pid_t, port: Int)?>(nil)

    /// As `TALLY_POSTGRES_URL`, for a client that goes through it. It knows the password, and asks for none.
    package var url: String {
        let port = running.withLock { $0?.port } ?? 0
        return "postgres://\(upstream.user ?? "postgres")@127.0.0.1:\(port)/\(upstream.path)"
    }

    /// - Throws: `Servers.Missing` where it is not installed: what it would show is not shown then.
    package static func with(_ body: (PrivatePooler) async throws -> Void) async throws {
        guard let program = ServerTools.find("pgbouncer") else {
            let hint = "ops/test installs it, or ops/up --packages pgbouncer"
            throw Servers.Missing(description: "pgbouncer is not installed; \(hint)")
        }
        let pooler = try PrivatePooler(program)
        defer { pooler.remove() }
        try await eventually("pgbouncer answers") {
            // Its port may have been taken before it had it.
            try pooler.startUnlessRunning()
            return pooler.running.withLock { $0?.port }.map(RedisProcess.canConnect) ?? false
        }
        try await body(pooler)
    }

    private init(_ program: String) throws {
        self.program = program
        upstream = try StoreAddress(Servers.postgresURL, of: .ledger)
        folder = NSTemporaryDirectory() + "/tally-pooler-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        // It knows a password.
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    private func startUnlessRunning() throws {
        try running.withLock { running in
            if let old = running {
                var status: Int32 = 0
                if waitpid(old.pid, &status, WNOHANG) == 0 { return }
                running = nil
            }
            let port = try ServerTools.freePort()
            let file = "\(folder)/pgbouncer.ini"
            try settings(port).write(toFile: file, atomically: true, encoding: .utf8)
            // Started by root it becomes another user, which it insists on.
            let user = geteuid() == 0 ? ["-u", "postgres"] : []
            let pid = try ChildProcess.start([program] + user + [file], output: "\(folder)/log")
            running = (pid, port)
        }
    }

    private func settings(_ port: Int) -> String {
        let host = upstream.hosts.first
        let words = [
            ("host", host?.name ?? "127.0.0.1"), ("port", "\(host?.port ?? 5432)"), ("dbname", upstream.path),
            ("user", upstream.user ?? "postgres"), ("password", upstream.password ?? ""),
        ].map { "\($0)='\($1.replacing("'", with: "''"))'" }
        return """
            [databases]
            \(upstream.path) = \(words.joined(separator: " "))
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = \(port)
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            max_client_conn = 500
            default_pool_size = 40
            """
    }

    private func remove() {
        running.withLock { running in
            guard let pid = running?.pid else { return }
            kill(pid, SIGKILL)
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            running = nil
        }
        try? FileManager.default.removeItem(atPath: folder)  // best effort: a temporary folder
    }
}
