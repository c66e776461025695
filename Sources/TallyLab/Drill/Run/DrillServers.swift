import Foundation
import Glibc
import Synchronization
import TallyCommandLine
import TallyServers

/// The private servers of a run, a Redis a shard: started, killed and started again by faults. Blocking: from the
/// drill's threads.
final class DrillServers: Sendable {
    let servers: PrivateServers
    let redises: [DrillRedis]
    private let tools: ServerTools
    private let tuning: PrivateServers.Tuning
    private let port: Mutex<Int>

    /// - Parameter mayCut: a damaged append-only file may be cut, for what Redis loses is in the ledger.
    init(
        _ servers: PrivateServers, _ tuning: PrivateServers.Tuning, mayCut: Bool, shards: Int = 1
    ) throws {
        self.servers = servers
        self.tuning = tuning
        tools = try ServerTools.find()
        port = Mutex(servers.state.postgresPort)
        redises = try (0..<shards).map { shard in
            try DrillRedis(
                shard: shard, folder: "\(servers.folder)/redis" + (shard == 0 ? "" : "\(shard)"),
                port: shard == 0 ? servers.state.redisPort : 0, password: servers.state.redisPassword,
                options: tuning.redis, mayCut: mayCut)
        }
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

    /// Those that are not up.
    func startRedis() throws { for redis in redises { try redis.start() } }

    /// All of them; whether any was there.
    func killRedis() -> Bool { redises.count { $0.kill() } > 0 }

    var cuts: Int { redises.reduce(0) { $0 + $1.cuts } }

    // MARK: Postgres

    var postgresPort: Int { port.withLock { $0 } }
    var postgresPid: Int32? { servers.postgresPid }

    func startPostgres() throws {
        guard servers.postgresPid == nil else { return }
        let started = try PostgresProcess.start(
            folder: servers.state.postgresFolder, password: servers.state.postgresPassword, tools,
            preferred: postgresPort, options: tuning.postgres)
        port.withLock { $0 = started }
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
        for redis in redises { redis.end() }
        if keeping { servers.stop() } else { servers.remove() }
    }
}
