import Foundation
import Glibc
import TallyCore

/// A Redis and a Postgres of one's own: loopback, own folder, own passwords, stopped by pid. The only implementation;
/// `tally dev`, `ops/servers`, benches and tests call it.
///
/// The folder holds everything: `redis/`, `postgres/`, `state.json`. As root, Postgres (which refuses root) runs as
/// the user `postgres`, with its data below `/var/tmp`, since a home may be closed to that user.
package struct PrivateServers: Sendable {
    /// What `state.json` keeps, so that a later program finds the servers. The file is its owner's alone.
    package struct State: Codable, Sendable {
        /// 0 before the first start.
        package var redisPort: Int
        /// Made up at the first start.
        package var redisPassword: String
        /// 0 before the first start.
        package var postgresPort: Int
        /// Made up at the first start.
        package var postgresPassword: String
        /// Where the cluster is; outside the folder where this program runs as root.
        package var postgresFolder: String
    }

    /// The folder that was given to `start`.
    package let folder: String
    /// As it stood when this value was made.
    package let state: State

    /// The address for `TALLY_REDIS_URL`, with the password.
    package var redisURL: String { "redis://:\(state.redisPassword)@127.0.0.1:\(state.redisPort)/0" }
    /// The address for `TALLY_POSTGRES_URL`, with the password.
    package var postgresURL: String {
        "postgres://tally:\(state.postgresPassword)@127.0.0.1:\(state.postgresPort)/postgres"
    }
    /// The process of Redis; nil where it does not run.
    package var redisPid: Int32? { Self.pid("\(folder)/redis/pid", of: "redis") }
    /// The process of Postgres; nil where it does not run.
    package var postgresPid: Int32? {
        Self.pid("\(state.postgresFolder)/data/postmaster.pid", of: "postgres")
    }

    /// What a run wants otherwise than usual: lines of redis.conf, settings of Postgres.
    package struct Tuning: Sendable {
        /// Lines of redis.conf.
        package var redis: [String]
        /// Settings such as `checkpoint_timeout=30s`.
        package var postgres: [String]

        /// Without arguments: as usual.
        package init(redis: [String] = [], postgres: [String] = []) {
            self.redis = redis
            self.postgres = postgres
        }
    }

    /// Starts what does not run yet; ports that are taken are given up for others.
    package static func start(_ folder: String, tuning: Tuning = Tuning(), say: (String) -> Void) throws
        -> PrivateServers
    {
        let tools = try ServerTools.find()
        try FolderLock.make("\(folder)/redis")
        var state =
            try load(folder)
            ?? State(
                redisPort: 0, redisPassword: secret(), postgresPort: 0, postgresPassword: secret(),
                postgresFolder: postgresFolder(for: folder))
        try save(state, folder)  // so that `remove` finds what a start that fails half-way has left
        var servers = PrivateServers(folder: folder, state: state)
        try Task.checkCancellation()
        if servers.redisPid == nil {
            say("starting a private Redis in \(folder)/redis")
            state.redisPort = try RedisProcess.start(
                folder: "\(folder)/redis", password: state.redisPassword, tools, preferred: state.redisPort,
                options: tuning.redis)
            try save(state, folder)
        }
        servers = PrivateServers(folder: folder, state: state)
        try Task.checkCancellation()
        if servers.postgresPid == nil {
            say("starting a private Postgres in \(state.postgresFolder)")
            state.postgresPort = try PostgresProcess.start(
                folder: state.postgresFolder, password: state.postgresPassword, tools,
                preferred: state.postgresPort, options: tuning.postgres)
            try save(state, folder)
        }
        return PrivateServers(folder: folder, state: state)
    }

    /// Stops and deletes whatever a start in this folder has made, also one that was broken off.
    package static func remove(_ folder: String) {
        (try? open(folder))?.remove()  // unreadable state: nothing was started
    }

    /// The servers of a folder, running or not; nil where none were started in it.
    ///
    /// - Throws: `ServerProblem` where `state.json` is damaged.
    package static func open(_ folder: String) throws -> PrivateServers? {
        try load(folder).map { PrivateServers(folder: folder, state: $0) }
    }

    /// Ends both, by pid, and waits until they are gone.
    package func stop() {
        if let pid = postgresPid { Self.end(pid, SIGINT) }
        if let pid = redisPid { Self.end(pid, SIGTERM) }
    }

    /// Stops and deletes everything. Without the checkpoint that a stop would write first: the data goes too.
    package func remove() {
        if let pid = postgresPid { Self.end(pid, SIGQUIT) }
        if let pid = redisPid { Self.end(pid, SIGTERM) }
        for path in [state.postgresFolder, folder] {
            try? FileManager.default.removeItem(atPath: path)  // best effort: a temporary folder
        }
    }

    // MARK: Parts

    private static func load(_ folder: String) throws -> State? {
        let path = "\(folder)/state.json"
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        do {
            return try JSONDecoder().decode(State.self, from: data)
        } catch {
            throw ServerProblem("\(path) is damaged: it is not what `tally dev servers` writes there")
        }
    }

    private static func save(_ state: State, _ folder: String) throws {
        let path = "\(folder)/state.json"
        let data = try JSONEncoder().encode(state)
        guard
            FileManager.default.createFile(
                atPath: path, contents: data, attributes: [.posixPermissions: 0o600])
        else { throw ServerProblem("cannot write \(path)") }
    }

    private static func postgresFolder(for folder: String) -> String {
        if geteuid() != 0 { return "\(folder)/postgres" }
        var hash: UInt64 = 14_695_981_039_346_656_037
        for byte in folder.utf8 { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
        return "/var/tmp/tallystick-postgres-\(String(hash, radix: 36))"
    }

    private static func secret() -> String {
        var random = SystemRandomNumberGenerator()
        return String(random.next(), radix: 36) + String(random.next(), radix: 36)
    }

    /// The first line of the file, if that program lives under that pid. A file that a killed server left may name a
    /// pid that another program has by now.
    package static func pid(_ path: String, of program: String) -> Int32? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8),  // no file: not running
            let pid = Int32(text.split(separator: "\n").first ?? ""), pid > 1,
            isAlive(pid),
            // gone: no name
            let name = try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8),
            name.hasPrefix(program)
        else { return nil }
        return pid
    }

    /// A process that ended and that nobody has waited for yet still has a pid, but no life.
    package static func isAlive(_ pid: Int32) -> Bool {
        guard kill(pid, 0) == 0 || errno == EPERM else { return false }
        // No file: just gone.
        let stat = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        return stat.split(separator: ")").last?.dropFirst().first != "Z"
    }

    /// Sends the signal and waits until the process is gone; after `Limits.serverEnd` it is killed.
    package static func end(_ pid: Int32, _ signal: Int32) {
        kill(pid, signal)
        let end = ContinuousClock.now + Limits.serverEnd
        while ContinuousClock.now < end {
            if !isAlive(pid) { return }
            usleep(UInt32(Limits.serverLook.microseconds))
        }
        kill(pid, SIGKILL)
    }
}

/// Why private servers cannot be started or found.
package struct ServerProblem: Error, CustomStringConvertible {
    /// What is wrong, with the end of a log where that says so.
    package let description: String
    /// A problem in words.
    package init(_ description: String) { self.description = description }
}
