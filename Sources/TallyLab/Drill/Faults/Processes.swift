import Glibc
import TallyServers
import Tallystick
import TallyTesting

/// F01, F02, F05, F07, F26, F27, F35: processes that end, stop, or are there twice.
extension FaultKind {
    static let processes: [FaultKind] = [
        workerKill, workerKillAll, workerStop, serveKill, serveKillAll, serveStop, extraServe,
        secondReconciler, killEverything,
    ]

    private static let workerKill = FaultKind("worker-kill", "F01", weight: 2) { random, plan in
        let role = "worker\(random.next() % UInt64(plan.workers))"
        return Fault(role, random.milliseconds(100...600)) { site, time in
            let running = site.stage.running(role)
            guard site.stage.crew.kill(role, backAfter: time) else { return .init(false, "was not there") }
            site.hold(time)
            return .init(site.backAgain(role), "had \(running) running jobs")
        }
    }

    private static let workerKillAll = FaultKind("worker-kill-all", "F01") { random, plan in
        let roles = (0..<plan.workers).map { "worker\($0)" }
        return Fault("workers", random.milliseconds(100...400), claims: Set(roles)) { site, time in
            let killed = roles.filter { site.stage.crew.kill($0, backAfter: time) }
            site.hold(time)
            return .init(!killed.isEmpty, "killed \(killed.count)")
        }
    }

    private static let workerStop = FaultKind("worker-stop", "F05", weight: 2) { random, plan in
        let role = "worker\(random.next() % UInt64(plan.workers))"
        let time = plan.lease + random.milliseconds(200...1200)
        return Fault(role, time) { site, time in site.stop(role, time) }
    }

    private static let serveKill = FaultKind("serve-kill", "F02", weight: 2) { random, plan in
        let role = "serve\(random.next() % UInt64(plan.serves))"
        return Fault(role, random.milliseconds(100...1000)) { site, time in
            guard site.stage.crew.kill(role, backAfter: time) else { return .init(false, "was not there") }
            site.hold(time)
            return .init(true, "killed")
        }
    }

    private static let serveKillAll = FaultKind("serve-kill-all", "F02") { random, plan in
        let roles = (0..<plan.serves).map { "serve\($0)" }
        return Fault("serves", random.milliseconds(500...2000), claims: Set(roles)) { site, time in
            let killed = roles.filter { site.stage.crew.kill($0, backAfter: time) }
            site.hold(time)
            return .init(!killed.isEmpty, "killed \(killed.count)")
        }
    }

    private static let serveStop = FaultKind("serve-stop", "F07") { random, plan in
        let role = "serve\(random.next() % UInt64(plan.serves))"
        return Fault(role, random.milliseconds(1000...3000)) { site, time in site.stop(role, time) }
    }

    private static let extraServe = FaultKind("extra-serve", "F26 F27") { random, _ in
        Fault("serve9", random.milliseconds(1000...2500)) { site, time in
            try site.stage.crew.add("serve9", ["serve"], site.stage.environment("direct"))
            site.hold(time)
            let lived = site.stage.crew.pid("serve9") != nil
            site.stage.crew.remove("serve9")
            return .init(lived, "a third mirror, relay and sweeper for \(time)")
        }
    }

    private static let secondReconciler = FaultKind("second-reconciler", "F27") { _, _ in
        Fault("reconcile", .milliseconds(500)) { site, _ in
            guard let (code, _) = try site.stage.command(["reconcile", "--json"], within: .seconds(4)) else {
                return .init(true, "a dry run beside the others, killed with -9 on its way")
            }
            return .init([0, 1, 4, 8].contains(code), "a dry run beside the others, exit \(code)")
        }
    }

    private static let killEverything = FaultKind("kill-everything", "F35") { random, _ in
        let order = random.next()
        return Fault("everything", .milliseconds(200), claims: ["everything"]) { site, time in
            let stage = site.stage
            var killed = stage.crew.roles.filter { stage.crew.kill($0, backAfter: time) }.count
            if stage.servers.killRedis() { killed += 1 }
            if let pid = stage.servers.postgresPid {
                PrivateServers.end(pid, SIGKILL)
                killed += 1
            }
            if order & 1 == 0 { try stage.servers.startRedis() }
            try stage.servers.startPostgres()
            try stage.servers.startRedis()
            stage.redirect()
            return .init(killed >= 4, "killed \(killed) processes at once")
        }
    }
}

extension Fault {
    init(
        _ target: String, _ length: Duration, claims: Set<String>? = nil,
        _ act: @escaping @Sendable (FaultSite, Duration) throws -> Evidence
    ) {
        self.init(kind: "", target: target, claims: claims ?? [target], length: length, act: act)
    }
}

extension DrillStage {
    /// Handlers that a worker runs now.
    func running(_ role: String) -> Int64 {
        guard role.hasPrefix("worker"), let number = Int(role.dropFirst(6)) else { return 0 }
        return board[number, .running]
    }
}

extension FaultSite {
    func stop(_ role: String, _ time: Duration) -> Fault.Evidence {
        let running = stage.running(role)
        guard let pid = stage.crew.pid(role), stage.crew.signal(role, SIGSTOP) else {
            return .init(false, "was not there")
        }
        hold(time)
        let stillThere = stage.crew.pid(role) == pid && stage.crew.signal(role, SIGCONT)
        return .init(stillThere, "stopped for \(time) with \(running) running jobs")
    }

    func backAgain(_ role: String) -> Bool { wait(upTo: .seconds(10)) { stage.crew.pid(role) != nil } }
}
