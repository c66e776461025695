import Foundation
import TallyCommandLine
import TallyPostgres
import TallyRedis
import TallyServers
import Tallystick
import TallyTesting

/// Seeded schedules over private stores, and a crash at every named point of the protocol.
enum SimulateCommand: Command {
    static let name = "simulate"
    static let summary = "seeded schedules, and a crash at every named point of the protocol"
    static let help = """
        tally-lab simulate [--seeds 200] [--seed 1] [--steps 300]
        Private servers. Each seed is one schedule of clients, workers and duties, one store call at a time, with
        crashes, lost replies, FLUSHALL and lost tails, checked after every call and once all is drained; then a crash
        at every visit of every named point of the protocol. A broken invariant is shown with seed and trace.
        """
    static let exitCodes = ExitCodes(
        failed: .init(1, "failed, or an invariant is broken"), others: [ExitCodes.interrupted])
    static let flags: Set<String> = ["seeds", "seed", "steps"]

    static func run(_ arguments: Arguments) async throws {
        let seeds = try arguments.number("seeds", in: 0...100_000_000, or: 200)
        let first = UInt64(try arguments.number("seed", in: 0...Int(Int32.max), or: 1))
        let steps = try arguments.number("steps", in: 1...1_000_000, or: 300)
        let folder = NSTemporaryDirectory() + "/tally-simulate-\(getpid())"
        let isJSON = arguments.has("json")
        try await Lab.withServers(in: folder) {
            let servers = try PrivateServers.start(folder) { Output.note("simulate: \($0)") }
            let began = ContinuousClock.now
            let report = try await simulate(seeds, first, steps, servers)
            let seconds = Double((ContinuousClock.now - began).components.seconds)
            let points = try await crashEverywhere(servers)
            show(report, points, seconds, isJSON: isJSON)
            if !report.violations.isEmpty || points.contains(where: { !$0.violations.isEmpty }) {
                throw Exit(code: 1)
            }
        }
    }

    /// Fresh stores for so many seeds, and after a broken invariant, which leaves them in disorder.
    private static let seedsPerNamespace = 200

    private static func simulate(
        _ seeds: Int, _ first: UInt64, _ steps: Int, _ servers: PrivateServers
    ) async throws -> SimulationReport {
        var report = SimulationReport()
        var next = first
        let end = first + UInt64(seeds)
        while next < end {
            let (from, to) = (next, min(end, next + UInt64(seedsPerNamespace)))
            let part = try await withStore(servers) { store in
                var part = SimulationReport()
                for seed in from..<to {
                    try Task.checkCancellation()
                    part += try await Simulation(seed: seed, steps: steps, on: store).run()
                    if !part.violations.isEmpty { break }
                }
                return part
            }
            report += part
            next += UInt64(part.seeds)
            Output.live("simulate: \(report.seeds) seeds, \(report.violations.count) violations")
            for violation in part.violations { Output.note("\n\(violation)") }
        }
        Output.endLive()
        return report
    }

    private static func crashEverywhere(_ servers: PrivateServers) async throws -> [CrashPointReport] {
        var reports: [CrashPointReport] = []
        let visits = try await withStore(servers) { try await CrashRun.undisturbed(on: $0) }
        for point in CrashPoint.all {
            try Task.checkCancellation()
            let report = try await withStore(servers) {
                try await CrashRun.exhaust(point, of: visits, on: $0)
            }
            Output.live("simulate: \(point.name), \(report.hits) hits")
            for violation in report.violations { Output.note("\n\(violation)") }
            reports.append(report)
        }
        Output.endLive()
        return reports
    }

    private static func withStore<Value: Sendable>(
        _ servers: PrivateServers, _ body: (SimulationStore) async throws -> Value
    ) async throws -> Value {
        let clock = ManualClock()
        let scratch = try await ScratchNamespace.open(
            redisURL: servers.redisURL, postgresURL: servers.postgresURL, clock: clock.reading)
        do {
            let value = try await body(store(scratch, clock))
            try await scratch.remove()
            return value
        } catch {
            try? await scratch.remove()  // the body's error says more
            throw error
        }
    }

    private static func store(_ scratch: ScratchNamespace, _ clock: ManualClock) throws -> SimulationStore {
        let (queue, ledger) = (scratch.queue, scratch.ledger)
        return try SimulationStore(
            queue: queue, ledger: ledger, clock: clock,
            complete: { lease in
                try await ledger.withTransaction { transaction in
                    try await ledger.complete(lease, result: [], in: transaction)
                }
            },
            flush: { try await queue.flush() },
            image: {
                let image = try await queue.image()
                return { try await queue.restart(from: image) }
            })
    }

    private static func show(
        _ report: SimulationReport, _ points: [CrashPointReport], _ seconds: Double, isJSON: Bool
    ) {
        let broken = report.violations + points.flatMap(\.violations)
        let counts: KeyValuePairs = [
            "seeds": report.seeds, "steps": report.steps, "crashes": report.crashes,
            "lost_replies": report.lostReplies, "losses": report.losses, "jobs": report.jobs,
            "repairs": report.repairs, "reruns_excused": report.reruns, "queued_lost": report.queuedLost,
            "crash_points": points.count, "crash_point_hits": points.reduce(0) { $0 + $1.hits },
            "violations": broken.count,
        ]
        if isJSON {
            var object: [String: Any] = ["seconds": seconds]
            for (name, count) in counts { object[name] = count }
            object["broken"] = broken.map {
                ["seed": $0.seed, "step": $0.step, "invariant": $0.invariant, "text": $0.text]
                    as [String: Any]
            }
            object["points"] = points.map { ["name": $0.point.name, "hits": $0.hits] as [String: Any] }
            return Output.json(object)
        }
        Output.table(
            ["CRASH POINT", "HITS", ""],
            points.map {
                [$0.point.name, "\($0.hits)", $0.violations.isEmpty ? "holds" : "BROKEN"]
            })
        Output.line(counts.map { "\($0)=\($1)" }.joined(separator: " "))
    }
}
