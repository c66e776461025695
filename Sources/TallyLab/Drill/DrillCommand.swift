import Foundation
import TallyCommandLine
import Tallystick

enum DrillCommand: Command {
    static let name = "drill"
    static let summary = "breaks everything on purpose, and proves that nothing was lost"
    static let help = """
        tally-lab drill [--minutes 10] [--seed 1] [options]
        Private servers and real processes behind a fault proxy; faults drawn from the seed; then heals, drains and
        checks every history. ops/drill/README.md says what each figure means.
          --mode recorded|queued      recorded unless given; queued runs with appendfsync always
          --mode queued --aof everysec --power-cut
                                      measures what a power cut loses, and lists it
          --lease 2s --workers 3 --backlog 15000
          --shards 1                  Redis servers, a shard each; faults hit any of them
          --heal 10s                  from a heal to the next completion, at most this and a lease
          --fault KIND (repeatable)   only these kinds
          --keep                      leave the folder with histories and logs
        tally-lab drill kill [--jobs 100000] [--victim worker|serve|redis|postgres|all]
        Enqueues the jobs in mode recorded while a worker runs them, kills the victim with -9 half way and starts it
        again, waits until every job is terminal, counts effects (each handler appends its id to a file), and
        reconciles: no job may be lost, no effect missing, no drift found.
        """
    static let exitCodes = ExitCodes(
        failed: .init(1, "failed, or a promise was broken"), others: [ExitCodes.interrupted])
    static let flags: Set<String> = [
        "jobs", "victim", "folder", "minutes", "seed", "aof", "lease", "heal", "workers", "worker", "backlog",
        "fault", "shards",
    ]
    static let switches: Set<String> = ["work", "work-kill", "power-cut", "keep"]
    static let repeatable: Set<String> = ["fault"]
    static let words = 0...1

    static func run(_ arguments: Arguments) async throws {
        if arguments.has("work") { return try await DrillWorker.run(arguments) }
        if arguments.has("work-kill") { return try await KillWorker.run(arguments) }
        switch arguments.rest {
        case []:
            try arguments.allow(
                [
                    "minutes", "seed", "aof", "lease", "heal", "workers", "backlog", "fault", "power-cut",
                    "shards",
                    "keep",
                ],
                in: "drill")
            try await drill(arguments)
        case ["kill"]:
            try arguments.allow(["jobs", "victim"], in: "drill kill")
            try await kill(arguments)
        case ["simulate"]: throw Usage("the simulation is a command of its own: run `tally-lab simulate`")
        default: throw Usage("after `drill` comes nothing or `kill`")
        }
    }

    private static func drill(_ arguments: Arguments) async throws {
        let plan = try DrillPlan(arguments)
        let isJSON = arguments.has("json")
        // What was started is ended, whatever comes.
        try await Lab.untilSignal {
            let report = try await DrillRun(plan: plan).run()
            if isJSON { Output.json(report.json) } else { report.show() }
            if !report.holds { throw Exit(code: 1) }
        }
    }

    private static func kill(_ arguments: Arguments) async throws {
        let jobs = try arguments.number("jobs", in: 100...10_000_000, or: 100_000)
        let wanted = arguments.text("victim") ?? "all"
        let victims = KillDrill.Victim.allCases.filter { wanted == "all" || $0.rawValue == wanted }
        if victims.isEmpty {
            throw Usage("--victim \(wanted): must be worker, serve, redis, postgres or all")
        }
        let isJSON = arguments.has("json")
        let folder = "/var/tmp/tallystick-drill-\(getpid())"
        try await Lab.withServers(in: folder) {
            var outcomes: [KillDrill.Outcome] = []
            for victim in victims {
                outcomes.append(try await KillDrill(jobs: jobs, victim: victim, folder: folder).run())
            }
            show(outcomes, isJSON: isJSON)
            if outcomes.contains(where: { !$0.holds }) { throw Exit(code: 1) }
        }
    }

    private static func show(_ outcomes: [KillDrill.Outcome], isJSON: Bool) {
        if isJSON {
            Output.json(outcomes.map(\.json))
            return
        }
        Output.table(
            ["VICTIM", "JOBS", "COMPLETED", "LOST", "NO EFFECT", "RUN TWICE", "DRIFT", "SECONDS", ""],
            outcomes.map {
                [
                    $0.victim, "\($0.accepted)", "\($0.completed)", "\($0.lost)", "\($0.withoutEffect)",
                    "\($0.twice)",
                    "\($0.drift)", String(Int($0.seconds)), $0.holds ? "holds" : "BROKEN",
                ]
            })
    }
}
