import Foundation
import Tallystick
import TallyRedis

/// The checks after the drain: the history checker, the ledger's own questions, the leavings in Redis, the real
/// `tally reconcile`, the logs.
struct DrillChecks {
    let stage: DrillStage
    let history: ClientHistory

    func all(_ report: inout DrillReport) async throws {
        try await checkMirror(&report)
        try await reconcile(&report)
        try await checkHistory(&report)
        for (code, question) in [("I6", DrillQuestion.lastEvent), ("I6", .chain), ("I11", .unique)] {
            // Unique keys of mode queued are in Redis and go with what a power cut takes.
            if question == .unique, stage.plan.isPowerCut { continue }
            let found = try await stage.ledger.drillFindings(question)
            report.violations += found.map { "\(code): \($0)" }
        }
        checkRedis(&report)
        for crash in stage.crew.crashes {
            report.violations.append("crash: \(crash.role) ended with \(crash.code): \(crash.tail)")
        }
        report.restarts = stage.crew.restarts
        report.cuts = stage.servers.cuts
        report.mostConnections = stage.links.values.map(\.counts.mostOpen).max() ?? 0
        // Three lanes and a wait, while the old ones of a cut may still be going.
        if report.mostConnections > 40 {
            report.violations.append("I15: \(report.mostConnections) connections on one link")
        }
        checkLogs(&report)
        let bad = try await onThread { [stage] in stage.crew.drain("serve", within: .seconds(30)) }
        report.violations += bad.map { "I14: \($0) when asked to stop" }
        report.versions = versions()
    }

    /// I7: the mirror refuses a gap, so a ledger that stands at the end of the log has all of it.
    private func checkMirror(_ report: inout DrillReport) async throws {
        var queues: [RedisQueue] = []
        for shard in try Settings(redisURL: redisURL, postgresURL: nil).redisShards() {
            queues.append(try await RedisQueue.open(shard))
        }
        var cursor = ""
        var end = ""
        for _ in 0..<300 {
            var ends: [String] = []
            for queue in queues {
                let history = try await queue.history()
                ends.append("\(history.epoch)-\(history.seq)")
            }
            end = ends.joined(separator: " ")
            cursor = try await stage.ledger.drillFindings(.cursor).first ?? ""
            if cursor == "\(end) 0" { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        for queue in queues { await queue.close() }
        if cursor != "\(end) 0" {
            report.violations.append("I7: log end \(end), cursor and quarantine \(cursor)")
        }
    }

    private var redisURL: String { stage.environment("direct")["TALLY_REDIS_URL"] ?? "" }

    /// I13: the real command says that nothing is left. Workers that were killed never said goodbye, and nobody but
    /// the reconciler ends their rows (D22): that is repaired first, anything else that it finds is a violation.
    private func reconcile(_ report: inout DrillReport) async throws {
        guard var ended = try await run(["reconcile", "--json"]) else { return tookTooLong(&report) }
        // A reconciler that was killed keeps its lease to repair until that runs out.
        let deadline = ContinuousClock.now + .seconds(90)
        while ended.code == 4, codes(ended.output) == ["D22"], ContinuousClock.now < deadline {
            try await Task.sleep(for: .seconds(1))
            _ = try await run(["reconcile", "--repair=D22", "--json"])
            guard let again = try await run(["reconcile", "--json"]) else { return tookTooLong(&report) }
            ended = again
        }
        report.reconcileExit = ended.code
        if ended.code != 0 {
            report.violations.append(
                "I13: tally reconcile ended with \(ended.code): \(ended.output.prefix(1500))")
        }
    }

    private func run(_ words: [String]) async throws -> (code: Int32, output: String)? {
        try await onThread { [stage] in try stage.command(words, within: .seconds(300)) }
    }

    private func tookTooLong(_ report: inout DrillReport) {
        report.violations.append("I13: tally reconcile did not end within five minutes, without load")
    }

    private func codes(_ output: String) -> Set<String> {
        Set((OperatorCommand.findings(output) ?? []).map { $0["code"] as? String ?? "?" })
    }

    private func checkHistory(_ report: inout DrillReport) async throws {
        var checker = HistoryChecker(
            history.batches, forks: stage.forks.withLock { $0 }, histories: stage.epochs.histories,
            lossIsMeasured: stage.plan.isPowerCut)
        checker.leaseTime = stage.plan.lease.microseconds
        let paths = (0..<stage.plan.workers).map { "\(stage.folder)/effects.\($0)" }
        for path in paths { try EffectFile.forEach(path) { checker.count($0) } }
        for path in paths { try EffectFile.forEach(path) { checker.keep($0) } }
        for id in checker.inDoubt { checker.take(try await stage.ledger.events(id), of: id) }
        var after = JobID.zero
        while true {
            try Task.checkCancellation()
            let rows = try await stage.ledger.drillRows(after: after, limit: 20_000)
            guard let last = rows.last else { break }
            for row in rows { checker.take(row) }
            after = last.id
        }
        report.verdict = checker.finish()
        report.violations += report.verdict.violations
    }

    /// I8: nothing is left of any job.
    private func checkRedis(_ report: inout DrillReport) {
        for redis in stage.servers.redises { checkRedis(redis, &report) }
    }

    private func checkRedis(_ server: DrillRedis, _ report: inout DrillReport) {
        let (redis, shard) = (server.admin, Int16(server.shard))
        for (key, command) in [
            (RedisKey.body, "HLEN"), (.leases, "ZCARD"), (.due, "ZCARD"), (.detours, "HLEN"),
            (.unique, "HLEN"),
        ] {
            let left = redis.ask(command, key.of("tally", shard: shard))?.number ?? -1
            if left != 0 {
                report.violations.append("I8: \(left) entries are left in \(key) of \(server.name)")
            }
        }
        for priority in 0..<4 {
            let list = "\(DrillJobs.queue(on: server.shard, of: stage.plan.shards)):\(priority)"
            let left = redis.ask("LLEN", RedisKey.ready.of("tally", list, shard: shard))?.number ?? -1
            if left != 0 {
                report.violations.append("I8: \(left) elements are left in ready:\(list)")
            }
        }
    }

    /// I16: no payload and no password in any log.
    private func checkLogs(_ report: inout DrillReport) {
        let state = stage.servers.servers.state
        let folder = stage.folder
        // none: nothing to read
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        var paths = names.filter { $0.hasSuffix(".log") }.map { "\(folder)/\($0)" }
        paths += stage.servers.redises.flatMap(\.folders).map { "\($0)/log" }
        paths.append("\(state.postgresFolder)/log")
        for path in paths {
            guard let data = FileManager.default.contents(atPath: path) else { continue }
            for (secret, what) in [
                (Producers.canary, "a payload"), (state.redisPassword, "Redis' password"),
                (state.postgresPassword, "Postgres' password"),
            ] where data.range(of: Data(secret.utf8)) != nil {
                report.violations.append(
                    "I16: \(what) stands in \(path.split(separator: "/").suffix(2).joined(separator: "/"))")
            }
        }
    }

    private func versions() -> [String: String] {
        var versions = ["redis": stage.servers.redises[0].admin.info("redis_version") ?? "?"]
        let file = "\(stage.servers.servers.state.postgresFolder)/data/PG_VERSION"
        // gone: unknown
        let text = try? String(contentsOfFile: file, encoding: .utf8)
        versions["postgres"] = text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "?"
        return versions
    }
}
