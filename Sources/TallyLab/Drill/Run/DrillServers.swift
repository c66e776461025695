import Foundation
import Glibc
import Synchronization
import TallyCommandLine
import TallyServers

/// The private servers of a run: started, killed and started again by faults. Blocking: from the drill's threads.
final class DrillServers: Sendable {
    private struct State {
        var redisFolder: String
        var redisPort: Int
        var postgresPort: Int
        /// How often an append-only file was cut at its damage.
        var cuts = 0
    }
    let servers: PrivateServers
    private let tools: ServerTools
    private let tuning: PrivateServers.Tuning
    private let mayCut: Bool
    private let state: Mutex<State>

    /// - Parameter mayCut: a damaged append-only file may be cut, for what Redis loses is in the ledger.
    init(_ servers: PrivateServers, _ tuning: PrivateServers.Tuning, mayCut: Bool) throws {
        self.servers = servers
        self.mayCut = mayCut
        self.tuning = tuning
        tools = try ServerTools.find()
        state = Mutex(
            State(
                redisFolder: "\(servers.folder)/redis", redisPort: servers.state.redisPort,
                postgresPort: servers.state.postgresPort))
    }

    /// Redis that rewrites its AOF before a restart takes long, and a Postgres that recovers within seconds.
    static func tuning(_ plan: DrillPlan) -> PrivateServers.Tuning {
        PrivateServers.Tuning(
            redis: [
                "appendfsync \(plan.fsync.rawValue)", "auto-aof-rewrite-min-size 96mb",
                "repl-diskless-sync-delay 0",
                "save \"\"",
            ],
            postgres: ["checkpoint_timeout=30s", "max_wal_size=1GB", "log_checkpoints=off"])
    }

    // MARK: Redis

    var redis: AdminRedis { AdminRedis(port: redisPort, password: servers.state.redisPassword) }
    var redisPort: Int { state.withLock { $0.redisPort } }
    var redisFolder: String { state.withLock { $0.redisFolder } }
    var redisPid: Int32? { PrivateServers.pid("\(redisFolder)/pid", of: "redis") }

    func startRedis() throws {
        let folder = redisFolder
        guard PrivateServers.pid("\(folder)/pid", of: "redis") == nil else { return }
        func start() throws -> Int {
            try RedisProcess.start(
                folder: folder, password: servers.state.redisPassword, tools, preferred: redisPort,
                options: tuning.redis)
        }
        let port: Int
        do {
            port = try start()
        } catch let damaged as RedisProcess.Damaged {
            guard mayCut else { throw damaged }
            Output.note("drill: Redis refused its append-only file; it is cut where the damage begins")
            try RedisProcess.cutAppendOnlyFile(folder)
            state.withLock { $0.cuts += 1 }
            port = try start()
        }
        state.withLock { $0.redisPort = port }
    }

    var cuts: Int { state.withLock { $0.cuts } }

    /// With -9; waits for its end.
    func killRedis() -> Bool {
        guard let pid = redisPid else { return false }
        PrivateServers.end(pid, SIGKILL)
        return true
    }

    /// A second server that follows the first. Answers where it is.
    func startReplica() throws -> (folder: String, admin: AdminRedis) {
        let folder =
            redisFolder == "\(servers.folder)/redis" ? "\(servers.folder)/redis-b" : "\(servers.folder)/redis"
        // Of the primary of an earlier promotion, if any.
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let port = try RedisProcess.start(
            folder: folder, password: servers.state.redisPassword, tools, preferred: 0, options: tuning.redis)
        let admin = AdminRedis(port: port, password: servers.state.redisPassword)
        _ = admin.ask("CONFIG", "SET", "masterauth", servers.state.redisPassword)
        _ = admin.ask("REPLICAOF", "127.0.0.1", "\(redisPort)")
        return (folder, admin)
    }

    /// From now on this one is Redis.
    func promoted(_ folder: String, _ port: Int) {
        state.withLock { state in
            state.redisFolder = folder
            state.redisPort = port
        }
    }

    /// The append-only files, the one that is written now last.
    var appendFiles: [String] {
        let folder = "\(redisFolder)/appendonlydir"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []  // none yet
        return names.filter { $0.hasSuffix(".incr.aof") }
            .sorted { ($0.count, $0) < ($1.count, $1) }.map { "\(folder)/\($0)" }
    }

    // MARK: Postgres

    var postgresPort: Int { state.withLock { $0.postgresPort } }
    var postgresPid: Int32? { servers.postgresPid }

    func startPostgres() throws {
        guard servers.postgresPid == nil else { return }
        let port = try PostgresProcess.start(
            folder: servers.state.postgresFolder, password: servers.state.postgresPassword, tools,
            preferred: postgresPort, options: tuning.postgres)
        state.withLock { $0.postgresPort = port }
    }

    /// The children of the postmaster.
    var backends: [Int32] {
        guard let postmaster = postgresPid else { return [] }
        // none: none are shown
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap(Int32.init).filter { pid in
            // gone meanwhile: not a child
            let stat = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
            let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
            return fields.count > 1 && fields[1] == "\(postmaster)"
        }
    }

    /// Ends everything and deletes it.
    func remove(keeping: Bool) {
        for folder in ["\(servers.folder)/redis", "\(servers.folder)/redis-b"] {
            if let pid = PrivateServers.pid("\(folder)/pid", of: "redis") {
                kill(pid, SIGCONT)
                PrivateServers.end(pid, SIGKILL)
            }
        }
        if keeping { servers.stop() } else { servers.remove() }
    }
}
