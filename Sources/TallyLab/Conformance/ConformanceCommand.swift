import Foundation
import TallyCommandLine
import Tallystick
import TallyTesting

enum ConformanceCommand: Command {
    static let name = "conformance"
    static let summary = "hold live servers against every promise of the seams"
    static let help = """
        tally-lab conformance [--driver redis|memory|all] [--case NAME] [--steps N --seed S]
        Runs each case in a namespace and a schema of its own, which it removes; touches no other key or table.
        The Postgres user must be allowed to create schemas.
          --case NAME       only the cases whose name begins so
          --steps N         then a seeded random stream of N verbs, compared with the memory stores after every step
        A case that needs a seam which the driver lacks is skipped, and told as that.
        With --json: {"cases":[{"name","driver","passed","skipped","error"}]}; "skipped" is null, or the seams.
        """
    static let exitCodes = ExitCodes(
        failed: .init(1, "failed, or a promise is broken"), others: [ExitCodes.interrupted])
    static let flags: Set<String> = ["driver", "case", "steps", "seed"]

    private struct Outcome {
        var name: String
        var driver: String
        /// For want of these seams.
        var skipped: [ConformanceSeam] = []
        var error: String?

        var isKept: Bool { error == nil && skipped.isEmpty }
        /// The seams in one text; nil where it was not skipped.
        var lacking: String? {
            skipped.isEmpty ? nil : skipped.map(\.rawValue).joined(separator: ", ")
        }
    }

    static func run(_ arguments: Arguments) async throws {
        let wanted = arguments.text("driver") ?? "redis"
        guard ["redis", "memory", "all"].contains(wanted) else {
            throw Usage("--driver \(wanted): must be redis, memory or all")
        }
        let prefix = arguments.text("case") ?? ""
        let cases = Conformance.cases.filter { $0.name.hasPrefix(prefix) }
        if cases.isEmpty { throw Usage("--case \(prefix): no case begins so") }
        if arguments.text("seed") != nil, arguments.text("steps") == nil {
            throw Usage("--seed is that of --steps: add it")
        }
        let steps = try arguments.number("steps", in: 0...1_000_000_000, or: 0)
        let seed = UInt64(try arguments.number("seed", in: 0...Int.max, or: Int(Timestamp.now.microseconds)))
        let factories = try factories(wanted, arguments)
        let isJSON = arguments.has("json")
        try await Lab.untilSignal {
            var outcomes: [Outcome] = []
            for (driver, factory) in factories {
                for promise in cases {
                    // A signal ends the run between two cases: one that runs removes what it made first.
                    let run = Task { try await promise.run(on: factory) }
                    outcomes.append(try await outcome(promise.name, driver) { try await run.value })
                }
                if steps > 0 {
                    Output.note("model run: seed \(seed), \(steps) steps")
                    outcomes.append(
                        try await outcome("model_run_seed_\(seed)", driver) {
                            try await model(seed, steps, factory)
                            return .kept
                        })
                }
            }
            show(outcomes, isJSON: isJSON)
            if outcomes.contains(where: { $0.error != nil }) { throw Exit(code: 1) }
        }
    }

    private static func factories(
        _ wanted: String, _ arguments: Arguments
    ) throws -> [(String, ConformanceFactory)] {
        var found: [(String, ConformanceFactory)] = []
        if wanted != "redis" { found.append(("memory", ConformanceStore.memory)) }
        if wanted != "memory" {
            let settings = try Common.settings(arguments)
            guard let postgresURL = settings.postgresURL else {
                throw InvalidSetting("TALLY_POSTGRES_URL", "is not set; the cases need both halves")
            }
            found.append(("redis+ledger", { try await scratchStore(settings.redisURL, postgresURL) }))
        }
        return found
    }

    private static func scratchStore(_ redisURL: String, _ postgresURL: String) async throws
        -> ConformanceStore
    {
        let clock = ManualClock()
        let scratch = try await ScratchNamespace.open(
            redisURL: redisURL, postgresURL: postgresURL, clock: clock.reading)
        return ConformanceStore(
            queue: scratch.queue, ledger: scratch.ledger, clock: clock, close: { try await scratch.remove() })
    }

    private static func model(_ seed: UInt64, _ steps: Int, _ factory: ConformanceFactory) async throws {
        let store = try await factory()
        let result: Result<Void, any Error>
        do {
            try await ModelRun(seed: seed, steps: steps).run(against: store)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        try await Task { try await store.close() }.value  // cancelled too
        try result.get()
    }

    private static func outcome(
        _ name: String, _ driver: String, _ body: () async throws -> ConformanceOutcome
    ) async throws -> Outcome {
        try Task.checkCancellation()
        do {
            switch try await body() {
            case .kept: return Outcome(name: name, driver: driver)
            case .skipped(let seams):
                let outcome = Outcome(name: name, driver: driver, skipped: seams)
                Output.note("\(driver) \(name): skipped for want of \(outcome.lacking ?? "")")
                return outcome
            }
        } catch {
            try Task.checkCancellation()  // whatever a call throws that was cancelled
            Output.note("\(driver) \(name): \(error)")
            return Outcome(name: name, driver: driver, error: "\(error)")
        }
    }

    private static func show(_ outcomes: [Outcome], isJSON: Bool) {
        if isJSON {
            Output.json([
                "cases": outcomes.map {
                    [
                        "name": $0.name, "driver": $0.driver, "passed": $0.isKept,
                        "skipped": $0.lacking ?? NSNull(), "error": $0.error ?? NSNull(),
                    ] as [String: Any]
                }
            ])
            return
        }
        for driver in Set(outcomes.map(\.driver)).sorted() {
            let mine = outcomes.filter { $0.driver == driver }
            let skipped = mine.count { !$0.skipped.isEmpty }
            Output.line(
                "\(driver): \(mine.count { $0.isKept }) of \(mine.count) promises kept"
                    + (skipped > 0 ? ", \(skipped) skipped" : ""))
        }
    }
}
