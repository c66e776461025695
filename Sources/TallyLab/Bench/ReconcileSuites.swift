import Foundation
import Synchronization
import TallyCommandLine
import TallyServers
import Tallystick

/// What the reconciler costs: over an active set, beneath history, after a total loss, beside load.
extension Suites {
    /// - Parameter ended: jobs of history beneath the sweeps.
    static func reconciler(ended: Int) -> [Suites] {
        [
            Suites(name: "sweep", rounds: 1) { servers in try await sweep(servers, ended: ended) },
            Suites(name: "rebuild_100k", rounds: 1) { servers in
                let seconds = try await rebuild(servers, jobs: 100_000)
                return [Figure(name: "rebuild_100k", value: seconds, unit: "s", floor: .below(30))]
            },
            Suites(name: "soak_1m", rounds: 1) { servers in try await soak(servers, jobs: 1_000_000) },
        ]
    }

    /// A full dry pass, first as it is, then with twice the history, then with twice the active set as well.
    private static func sweep(_ servers: PrivateServers, ended: Int) async throws -> [Figure] {
        try await withScratch(servers) { scratch in
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            var figures: [Figure] = []
            for (active, more) in [(100_000, ended), (0, ended), (100_000, 0)] {
                try await addHistory(scratch, more)
                try await fill(scratch, mirror, jobs: active)
                let reconciler = try Reconciler(queue: scratch.queue, ledger: scratch.ledger, mirror: mirror)
                let began = ContinuousClock.now
                let run = try await reconciler.run(.dry).run
                let took = (ContinuousClock.now - began).seconds
                try expectNothing(run)
                figures.append(
                    Figure(
                        name: "sweep_\(figures.count < 2 ? 100 : 200)k_of_\(millions(ended, figures.count))",
                        value: took, unit: "s"))
            }
            return figures
        }
    }
    private static func millions(_ ended: Int, _ round: Int) -> String {
        let rows = round == 0 ? ended : 2 * ended
        return rows % 1_000_000 == 0 ? "\(rows / 1_000_000)m" : "\(rows / 1000)k"
    }

    /// From FLUSHALL until the new epoch is open: every active job is in Redis again, and both halves agree.
    private static func rebuild(_ servers: PrivateServers, jobs: Int) async throws -> Double {
        try await withScratch(servers) { scratch in
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            try await fill(scratch, mirror, jobs: jobs)
            let admin = AdminRedis(
                port: servers.state.redisPort, password: servers.state.redisPassword)
            let reconciler = try Reconciler(queue: scratch.queue, ledger: scratch.ledger, mirror: mirror)
            let before = try await scratch.queue.history().epoch
            let began = ContinuousClock.now
            guard admin.ask("FLUSHALL")?.text == "OK" else { throw ServerProblem("FLUSHALL was refused") }
            let repairs = try await reconciler.openIfHeld()
            let took = (ContinuousClock.now - began).seconds
            let history = try await scratch.queue.history()
            let held = try await scratch.queue.survey().held
            guard repairs == jobs, held == jobs, history.epoch > before, !history.isHeld else {
                throw ServerProblem("\(repairs ?? -1) repairs, \(held) jobs are held of \(jobs)")
            }
            return took
        }
    }

    /// Load without faults, with one dry pass after another beside it: each must find nothing.
    private static func soak(_ servers: PrivateServers, jobs: Int) async throws -> [Figure] {
        try await withScratch(servers) { scratch in
            // The barrier mirrors too: what it carries over counts as well.
            let meter = LedgerMeter()
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger, observer: meter)
            let reconciler = try Reconciler(queue: scratch.queue, ledger: scratch.ledger, mirror: mirror)
            let seen = Mutex((passes: 0, findings: 0))
            let passes = Task {
                while !Task.isCancelled {
                    let run = try await reconciler.run(.dry).run
                    for finding in run.findings {
                        Output.note("bench: \(finding.code) \(finding.queueView) / \(finding.ledgerView)")
                    }
                    seen.withLock { $0 = ($0.passes + 1, $0.findings + run.findings.count) }
                }
            }
            let rate = try await lifecycle(scratch, jobs: jobs, wave: 50_000, meter: meter)
            passes.cancel()
            // The one that the end of the load cuts short does not count.
            _ = await passes.result
            let (count, findings) = seen.withLock { $0 }
            let last = try await reconciler.run(.dry).run
            return [
                Figure(name: "soak_1m_rate", value: rate, unit: "jobs/s"),
                Figure(name: "soak_1m_passes", value: Double(count + 1), unit: ""),
                Figure(
                    name: "soak_1m_findings", value: Double(findings + last.findings.count), unit: "",
                    floor: .below(1)),
            ]
        }
    }

    private static func addHistory(_ scratch: ScratchNamespace, _ count: Int) async throws {
        for start in stride(from: 0, to: count, by: 50_000) {
            try await scratch.ledger.addEndedJobs(min(50_000, count - start), body: BenchJob.body)
            Output.live("bench: \(start) of \(count) rows of history")
        }
        Output.endLive()
    }

    /// Jobs that wait, in both halves.
    private static func fill(_ scratch: ScratchNamespace, _ mirror: Mirror, jobs: Int) async throws {
        let client = JobClient(queue: scratch.queue, ledger: scratch.ledger, durability: .recorded)
        try await spread(jobs) { try await client.enqueue(BenchJob.record()) }
        await client.drain()
        while try await mirror.step() > 0 {}
    }

    private static func expectNothing(_ run: ReconcileRun) throws {
        guard run.findings.isEmpty, run.inconclusive == 0, run.error == nil else {
            throw ServerProblem(
                "a sweep without faults found \(run.findings.count), inconclusive \(run.inconclusive)")
        }
    }
}
