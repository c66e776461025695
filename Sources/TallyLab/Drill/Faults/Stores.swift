import Foundation
import Glibc
import TallyServers
import Tallystick
import TallyTesting

/// F03, F04, F06, F07, F19, F20, F28, F33: the servers themselves, with their data left whole.
extension FaultKind {
    static let stores: [FaultKind] = [
        redisKill, redisRestart, redisStop, redisPause, redisClientKill, postgresKill, postgresImmediate,
        postgresBackendKill, postgresStop, postgresDown, postgresTerminate, postgresReadOnly, postgresLock,
    ]

    private static let redisKill = redis("redis-kill", "F03", 50...500, weight: 2) { site, time in
        guard site.redis.kill() else { return .init(false, "was not there") }
        site.hold(time)
        try site.startRedis()
        return .init(true, "killed, away for \(time)")
    }

    private static let redisRestart = redis("redis-restart", "F03", 50...300) { site, time in
        guard let pid = site.redis.pid else { return .init(false, "was not there") }
        PrivateServers.end(pid, SIGTERM)
        site.hold(time)
        try site.startRedis()
        return .init(true, "stopped in order")
    }

    private static let redisStop = redis("redis-stop", "F06", 500...3000) { site, time in
        guard let pid = site.redis.pid, kill(pid, SIGSTOP) == 0 else {
            return .init(false, "was not there")
        }
        site.hold(time)
        return .init(kill(pid, SIGCONT) == 0, "stopped for \(time)")
    }

    private static let redisPause = redis("redis-pause", "F06", 300...1500) { site, time in
        let milliseconds = "\(Int(time.seconds * 1000))"
        let reply = site.redis.admin.ask("CLIENT", "PAUSE", milliseconds, "WRITE")
        site.hold(time)
        return .init(reply?.text == "OK", "CLIENT PAUSE \(milliseconds) WRITE")
    }

    private static let redisClientKill = redis("redis-client-kill", "F28", 500...1500, weight: 2) {
        site, time in
        var killed = 0
        let end = ContinuousClock.now + time
        repeat {
            killed +=
                site.redis.admin.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")?.number ?? 0
            site.hold(.milliseconds(300))
        } while ContinuousClock.now < end && !site.isStopping()
        return .init(killed > 0, "\(killed) connections ended")
    }

    private static let postgresKill = postgres("postgres-kill", "F04", 50...500) { site, time in
        guard let pid = site.stage.servers.postgresPid else { return .init(false, "was not there") }
        PrivateServers.end(pid, SIGKILL)
        site.hold(time)
        try site.startPostgres()
        return .init(true, "postmaster killed")
    }

    private static let postgresImmediate = postgres("postgres-immediate", "F04", 50...500) { site, time in
        guard let pid = site.stage.servers.postgresPid else { return .init(false, "was not there") }
        PrivateServers.end(pid, SIGQUIT)
        site.hold(time)
        try site.startPostgres()
        return .init(true, "immediate stop")
    }

    private static let postgresBackendKill = postgres("postgres-backend-kill", "F04", 200...600) {
        site, time in
        let clients = site.stage.servers.backends.filter { pid in
            // gone meanwhile: not a client's
            let line = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
            return line.contains("127.0.0.1")
        }
        guard let victim = clients.first, kill(victim, SIGKILL) == 0 else {
            return .init(false, "no backend")
        }
        site.hold(time)
        return .init(true, "one of \(clients.count) backends killed: the server starts over")
    }

    private static let postgresStop = postgres("postgres-stop", "F07", 500...2000) { site, time in
        let all = site.stage.servers.backends + [site.stage.servers.postgresPid].compactMap { $0 }
        let stopped = all.filter { kill($0, SIGSTOP) == 0 }
        site.hold(time)
        for pid in stopped.reversed() { kill(pid, SIGCONT) }
        return .init(stopped.count > 1, "\(stopped.count) processes stopped for \(time)")
    }

    private static let postgresDown = postgres("postgres-down", "F19", 3000...6000) { site, time in
        guard let pid = site.stage.servers.postgresPid else { return .init(false, "was not there") }
        PrivateServers.end(pid, SIGINT)
        site.hold(time)
        try site.startPostgres()
        return .init(true, "away for \(time)")
    }

    private static let postgresTerminate = postgres("postgres-terminate", "F28", 500...1500, weight: 2) {
        site, time in
        let ledger = site.stage.ledger
        var ended = 0
        let end = ContinuousClock.now + time
        repeat {
            // the server may be going down for another reason
            let counts = (try? site.blocking { try await ledger.drillFindings(.terminate) }) ?? []
            ended += Int(counts.first ?? "") ?? 0
            site.hold(.milliseconds(300))
        } while ContinuousClock.now < end && !site.isStopping()
        return .init(ended > 0, "\(ended) sessions ended")
    }

    private static let postgresReadOnly = postgres("postgres-read-only", "F20", 500...1500) { site, time in
        try site.setReadOnly(true)
        site.hold(time)
        // Until it is undone: a server left read-only would be the drill's own fault.
        let isUndone = site.wait(upTo: .seconds(20)) {
            do {
                try site.setReadOnly(false)
                return true
            } catch {
                return false
            }
        }
        return .init(isUndone, "every transaction read-only for \(time)")
    }

    private static let postgresLock = postgres("postgres-lock", "F33", 500...2000) { site, time in
        let ledger = site.stage.ledger
        let until = ContinuousClock.now + time
        try site.blocking {
            try await ledger.drillLock { try await Task.sleep(until: until, clock: .continuous) }
        }
        return .init(true, "jobs locked by an idle session for \(time)")
    }
    static func redis(
        _ name: String, _ catalogue: String, _ length: ClosedRange<Int>, losesRedisData: Bool = false,
        weight: Int = 1,
        _ act: @escaping @Sendable (FaultSite, Duration) throws -> Fault.Evidence
    ) -> FaultKind {
        FaultKind(name, catalogue, losesRedisData: losesRedisData, weight: weight) { random, plan in
            let time = random.milliseconds(length)
            // No draw for one shard: its seeds stay what they were.
            let shard = plan.shards == 1 ? 0 : Int(random.next() % UInt64(plan.shards))
            return Fault(shard == 0 ? "redis" : "redis\(shard)", time) { site, time in
                try act(site.on(shard), time)
            }
        }
    }

    static func postgres(
        _ name: String, _ catalogue: String, _ length: ClosedRange<Int>, weight: Int = 1,
        _ act: @escaping @Sendable (FaultSite, Duration) throws -> Fault.Evidence
    ) -> FaultKind {
        FaultKind(name, catalogue, weight: weight) { random, _ in
            Fault("postgres", random.milliseconds(length), act)
        }
    }
}

extension FaultSite {
    func startRedis() throws {
        try redis.start()
        stage.redirect()
    }
    func startPostgres() throws {
        try stage.servers.startPostgres()
        stage.redirect()
    }
    func setReadOnly(_ isReadOnly: Bool) throws {
        let ledger = stage.ledger
        try blocking {
            try await ledger.drillScript(readOnly: isReadOnly)
            _ = try await ledger.drillFindings(.reload)
        }
    }
}
