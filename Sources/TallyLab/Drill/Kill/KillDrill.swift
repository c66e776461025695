import Foundation
import Glibc
import Synchronization
import TallyCommandLine
import TallyServers
import Tallystick

/// One run: enqueue, kill, heal, drain, count.
struct KillDrill {
    enum Victim: String, CaseIterable { case worker, serve, redis, postgres }

    struct Outcome {
        var victim: String
        /// Acknowledged by the enqueue call.
        var accepted: Int
        var completed: Int
        /// Acknowledged, yet not terminal in the ledger.
        var lost: Int
        var withoutEffect: Int
        var twice: Int
        var drift: Int
        var seconds: Double
        var holds: Bool { lost == 0 && withoutEffect == 0 && drift == 0 && completed == accepted }
        var json: [String: Any] {
            [
                "victim": victim, "acknowledged": accepted, "completed": completed, "lost": lost,
                "without_effect": withoutEffect, "duplicated": twice, "drift": drift, "seconds": seconds,
            ]
        }
    }

    let jobs: Int
    let victim: Victim
    /// For servers and logs; empty, and so again afterwards.
    let folder: String

    func run() async throws -> Outcome {
        let servers = try await PrivateServers.startMigrated(folder) { Output.note("drill: \($0)") }
        defer { servers.remove() }
        let environment = ["TALLY_REDIS_URL": servers.redisURL, "TALLY_POSTGRES_URL": servers.postgresURL]
        let crew = Crew(folder: folder, environment: environment)
        try crew.start("serve")
        try crew.start("worker")
        defer { crew.stop() }
        let settings = try Settings(redisURL: servers.redisURL, postgresURL: servers.postgresURL)
        let tally = try await Tally.open(settings, observer: LogObserver())
        let began = ContinuousClock.now
        Output.note("drill: \(jobs) jobs, kill -9 of \(victim.rawValue) half way")
        let half = Half(jobs / 2)
        async let killed: Void = kill(servers, crew, after: half)
        let accepted = try await enqueue(tally, half)
        try await killed
        try await drain(tally, accepted.count)
        let outcome = try await count(
            tally, accepted, folder, environment, (ContinuousClock.now - began).seconds)
        await tally.close()
        return outcome
    }

    /// Every id whose enqueue was acknowledged. A call that fails is repeated with the same id, as its error says.
    private func enqueue(_ tally: Tally, _ half: Half) async throws -> [JobID] {
        let ids = (0..<jobs).map { _ in JobID() }
        let source = NextIndex()
        let log = LogObserver()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<256 {
                group.addTask {
                    while let index = source.take(ids.count) {
                        let record = JobRecord(
                            id: ids[index], type: KillWorker.type, queue: KillWorker.queue,
                            body: Array("{\"n\":\(index)}".utf8), maxAttempts: 25, maxCrashes: 10)
                        while true {
                            do {
                                try await tally.client.enqueue(record)
                                break
                            } catch let error as EnqueueError {
                                guard error.mayRetry else { throw error }
                                log.dutyFailed("enqueue", error)
                                try await Task.sleep(for: .milliseconds(100))
                            }
                        }
                        half.count()
                    }
                }
            }
            try await group.waitForAll()
        }
        return ids
    }

    private func kill(_ servers: PrivateServers, _ crew: Crew, after half: Half) async throws {
        await half.reached()
        try Task.checkCancellation()
        switch victim {
        case .worker:
            try crew.kill("worker")
            try crew.start("worker")
        case .serve:
            try crew.kill("serve")
            try crew.start("serve")
        case .redis:
            if let pid = servers.redisPid { PrivateServers.end(pid, SIGKILL) }
            _ = try PrivateServers.start(servers.folder) { Output.note("drill: \($0)") }
        case .postgres:
            // Its backends end by themselves once they miss it; until then a new one does not start.
            if let pid = servers.postgresPid { PrivateServers.end(pid, SIGKILL) }
            _ = try PrivateServers.start(servers.folder) { Output.note("drill: \($0)") }
        }
        Output.note("drill: \(victim.rawValue) was killed and is back")
    }

    /// Until the ledger says that all of them have ended. No progress for a minute is a loss.
    private func drain(_ tally: Tally, _ count: Int) async throws {
        let ledger = try Common.ledger(tally)
        var last = -1
        var stuck = ContinuousClock.now
        while true {
            // Unreachable for a moment after the kill: look again.
            if let balances = try? await ledger.inspection.balances() {
                let ended = balances.completed + balances.failed + balances.cancelled
                Output.live("drill: \(ended) of \(count) ended")
                if ended >= count && balances.active == 0 { break }
                if ended != last { (last, stuck) = (ended, .now) }
            }
            if ContinuousClock.now - stuck > .seconds(60) { break }
            try await Task.sleep(for: .milliseconds(200))
        }
        Output.endLive()
    }

    private func count(
        _ tally: Tally, _ accepted: [JobID], _ folder: String, _ environment: [String: String],
        _ seconds: Double
    ) async throws -> Outcome {
        let ledger = try Common.ledger(tally)
        var effects: [String: Int] = [:]
        let text = try String(contentsOfFile: "\(folder)/effects", encoding: .utf8)
        for line in text.split(separator: "\n") { effects[String(line), default: 0] += 1 }
        var completed = 0
        var lost = 0
        for ids in accepted.pages(of: 5000) {
            let rows = try await ledger.reconciliation.views(ids)
            completed += ids.count { rows[$0]?.status == .completed }
            lost += ids.count { !(rows[$0]?.status.isTerminal ?? false) }
        }
        let reconciled = try await onThread {
            try OperatorCommand.run(
                ["reconcile", "--json"], environment, folder: folder, within: .seconds(300))
        }
        let findings = reconciled.flatMap { OperatorCommand.findings($0.output) }
        if reconciled?.code != 0 {
            Output.note(
                "drill: tally reconcile: \(reconciled.map { "\($0.code): \($0.output)" } ?? "no end")")
        }
        return Outcome(
            victim: victim.rawValue, accepted: accepted.count, completed: completed, lost: lost,
            withoutEffect: accepted.count { effects[$0.description] == nil },
            twice: accepted.count { effects[$0.description, default: 0] > 1 },
            drift: reconciled?.code == 0 ? findings?.count ?? 1 : max(1, findings?.count ?? 1),
            seconds: seconds)
    }
}

/// The two processes that are killed and started again.
private final class Crew: Sendable {
    private let folder: String
    private let environment: [String]
    private let pids = Mutex<[String: Int32]>([:])

    init(folder: String, environment: [String: String]) {
        self.folder = folder
        let all = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        self.environment = all.map { "\($0.key)=\($0.value)" }
    }

    func start(_ role: String) throws {
        let words =
            role == "serve"
            ? [try Programs.tally(), "serve"] : [Programs.own, "drill", "--work-kill", "--folder", folder]
        let pid = try ChildProcess.start(
            words, environment: environment, output: "\(folder)/\(role).log")
        pids.withLock { $0[role] = pid }
    }

    /// With -9, and waits for its end.
    func kill(_ role: String) throws {
        guard let pid = pids.withLock({ $0.removeValue(forKey: role) }) else { return }
        Glibc.kill(pid, SIGKILL)
        _ = try ChildProcess.wait(pid)
    }

    func stop() {
        for role in ["worker", "serve"] { try? kill(role) }  // gone already: nothing to stop
    }
}

private final class NextIndex: Sendable {
    private let next = Atomic(0)
    func take(_ count: Int) -> Int? {
        let index = next.add(1, ordering: .relaxed).oldValue
        return index < count ? index : nil
    }
}

/// Lets one task wait until so many were counted.
private final class Half: Sendable {
    private let state: Mutex<(left: Int, waiter: CheckedContinuation<Void, Never>?)>
    init(_ count: Int) { state = Mutex((count, nil)) }
    func count() {
        let waiter = state.withLock { state in
            state.left -= 1
            guard state.left == 0 else { return CheckedContinuation<Void, Never>?.none }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
    /// Returns at once to a task that is cancelled.
    func reached() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state in
                    if state.left <= 0 { return true }
                    state.waiter = continuation
                    return false
                }
                if now { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                defer { state = (0, nil) }
                return state.waiter
            }
            waiter?.resume()
        }
    }
}
