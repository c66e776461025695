import Foundation
import Glibc
import Synchronization
import TallyCommandLine
import TallyServers
import Tallystick

/// Everything that a run has: servers, links, processes, the driver's own client.
final class DrillStage: Sendable {
    let plan: DrillPlan
    let folder: String
    let servers: DrillServers
    let links: [String: ProxyLink]
    let crew: DrillCrew
    let board: Board
    /// The driver's client, behind links of its own.
    let tally: Tally
    /// Past the proxies: for questions and for harm.
    let ledger: PostgresLedger
    /// One a shard.
    let samplers: [AppendSampler]
    let epochs: EpochWatch
    /// Splits that were played, for the checker.
    let forks = Mutex<[HistoryChecker.Fork]>([])

    static func open(_ plan: DrillPlan) async throws -> DrillStage {
        let folder = "/var/tmp/tallystick-drill-\(getpid())"
        signal(SIGXFSZ, SIG_IGN)  // and so for Redis: a file that may not grow is an error there, not a death
        let tuning = DrillServers.tuning(plan)
        do {
            let servers = try PrivateServers.start(folder, tuning: tuning) { Output.note("drill: \($0)") }
            _ = try await Migrator(PostgresConfiguration(url: servers.postgresURL)).apply()
            try Task.checkCancellation()
            return try await DrillStage(
                plan, folder,
                DrillServers(servers, tuning, mayCut: plan.survivesRedisLoss, shards: plan.shards))
        } catch {
            PrivateServers.remove(folder)
            throw error
        }
    }

    private init(_ plan: DrillPlan, _ folder: String, _ servers: DrillServers) async throws {
        self.plan = plan
        self.folder = folder
        self.servers = servers
        let board = try Board("\(folder)/board")
        self.board = board
        var links: [String: ProxyLink] = [:]
        for name in Self.linkNames(plan) {
            let redis = servers.redises.first { name.hasSuffix(Self.linkSuffix($0.shard)) }
            links[name] = try ProxyLink(name, upstream: redis?.port ?? servers.postgresPort)
        }
        self.links = links
        let ledgerURL = servers.servers.postgresURL
        ledger = try await PostgresLedger.open(
            PostgresConfiguration(url: ledgerURL, poolConnections: 3, statementTimeout: .seconds(180)))
        samplers = servers.redises.map(AppendSampler.init)
        epochs = EpochWatch(servers, path: "\(folder)/epochs")
        @Sendable func shows(_ word: Board.Word, _ role: String) -> Bool {
            guard role.hasPrefix("worker"), let number = Int(role.dropFirst(6)) else { return false }
            return board[number, word] == 1
        }
        crew = try DrillCrew(
            folder: folder, isPoisoned: { shows(.dying, $0) },
            isLooping: { role, pid in
                // Another pid: the word is of the worker's life before.
                shows(.looping, role) && board[Int(role.dropFirst(6)) ?? 0, .pid] == Int64(pid)
            })
        let own = Self.addresses("producer", servers, links)
        tally = try await Tally.open(
            Settings(redisURL: own.redis, postgresURL: own.postgres, mode: plan.mode),
            observer: SilentObserver())
        try startCrew()
    }

    /// What the names of the links to a shard's Redis end with.
    static func linkSuffix(_ shard: Int) -> String { "-redis" + (shard == 0 ? "" : "\(shard)") }

    private static func linkNames(_ plan: DrillPlan) -> [String] {
        var roles = ["producer"] + (0..<plan.serves).map { "serve\($0)" }
        let postgres = roles.map { "\($0)-postgres" }
        roles += (0..<plan.workers).map { "worker\($0)" }
        return postgres + (0..<plan.shards).flatMap { shard in roles.map { $0 + linkSuffix(shard) } }
    }

    private static func addresses(_ role: String, _ servers: DrillServers, _ links: [String: ProxyLink])
        -> (redis: String, postgres: String)
    {
        let state = servers.servers.state
        let redis = servers.redises.map { redis in
            let port = links[role + linkSuffix(redis.shard)]?.port ?? redis.port
            return "redis://:\(state.redisPassword)@127.0.0.1:\(port)/0"
        }
        let postgres = links["\(role)-postgres"]?.port ?? servers.postgresPort
        return (
            redis.joined(separator: " "),
            "postgres://tally:\(state.postgresPassword)@127.0.0.1:\(postgres)/postgres"
        )
    }

    func environment(_ role: String) -> [String: String] {
        let own = Self.addresses(role, servers, links)
        return [
            "TALLY_REDIS_URL": own.redis, "TALLY_POSTGRES_URL": own.postgres,
            "TALLY_MODE": plan.mode.rawValue,
        ]
    }

    private func startCrew() throws {
        for number in 0..<plan.serves {
            try crew.add("serve\(number)", [Programs.tally(), "serve"], environment("serve\(number)"))
        }
        for number in 0..<plan.workers {
            let lease = "\(Int(plan.lease.seconds * 1000))ms"
            let words = [
                Programs.own, "drill", "--work", "--folder", folder, "--worker", "\(number)", "--lease",
                lease, "--shards", "\(plan.shards)",
            ]
            // A worker needs no Postgres.
            var own = environment("worker\(number)")
            own["TALLY_POSTGRES_URL"] = ""
            own["TALLY_MODE"] = "queued"
            try crew.add("worker\(number)", words, own)
        }
    }

    /// The links that lead to one of the servers.
    func links(_ suffix: String) -> [ProxyLink] {
        links.values.filter { $0.name.hasSuffix(suffix) }.sorted { $0.name < $1.name }
    }

    /// After a server came back at another port, or another server took over.
    func redirect(cutting: Bool = false) {
        for redis in servers.redises {
            for link in links(Self.linkSuffix(redis.shard)) {
                link.redirect(to: redis.port, cutting: cutting)
            }
        }
        for link in links("-postgres") { link.redirect(to: servers.postgresPort, cutting: cutting) }
    }

    /// Runs the operator's command, past the proxies.
    func command(_ words: [String], within time: Duration) throws -> (code: Int32, output: String)? {
        try OperatorCommand.run(words, environment("direct"), folder: folder, within: time)
    }

    /// Everything ends and goes, whatever state it is in. May be repeated.
    func close() async {
        for sampler in samplers { sampler.stop() }
        epochs.stop()
        for role in crew.roles { _ = crew.signal(role, SIGCONT) }
        crew.stop()
        for link in links.values { link.close() }
        for pid in servers.backends + [servers.postgresPid].compactMap({ $0 }) { kill(pid, SIGCONT) }
        await tally.close()
        await ledger.close()
        servers.remove(keeping: plan.keepsFolder)
        if plan.keepsFolder { Output.note("drill: histories and logs are in \(folder)") }
    }
}

/// Notes the length of Redis' append-only file each 10 ms: what a power cut may leave.
final class AppendSampler: Sendable {
    struct Sample: Sendable {
        var at: ContinuousClock.Instant
        var path: String
        var size: Int64
    }
    private let samples = Mutex<[Sample]>([])
    private let stopped = StopFlag()

    init(_ redis: DrillRedis) {
        Thread.detachNewThread { [self] in
            while !stopped.isSet {
                var info = stat()
                if let path = redis.appendFiles.last, stat(path, &info) == 0 {
                    let size = Int64(info.st_size)
                    samples.withLock { samples in
                        samples.append(Sample(at: .now, path: path, size: size))
                        if samples.count > 1000 { samples.removeFirst(500) }
                    }
                }
                usleep(10_000)
            }
        }
    }

    /// The last sample that is at least so old.
    func sample(age: Duration) -> Sample? {
        let before = ContinuousClock.now - age
        return samples.withLock { $0.last { $0.at <= before } }
    }

    func stop() { stopped.set() }
}
