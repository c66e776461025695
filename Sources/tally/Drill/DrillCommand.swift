import Foundation
import Tallystick

enum DrillCommand: Command {
    static let name = "drill"
    static let summary = "kill what must not be missed, and prove that nothing was lost"
    static let help = """
        tally drill kill [--jobs 100000] [--victim worker|serve|redis|postgres|all]
        Private servers, real processes. Enqueues the jobs in mode recorded while a worker runs them, kills the victim
        with -9 half way and starts it again, waits until every job is terminal, counts effects (each handler appends
        its id to a file), and reconciles. Exit 1 when a job is lost, an effect is missing, or a drift is found.

        """ + SimulateCommand.help
    static let flags: Set<String> = Set(["jobs", "victim", "folder"]).union(SimulateCommand.flags)
    static let switches: Set<String> = ["work"]

    static func run(_ arguments: Arguments) async throws {
        if arguments.has("work") { return try await DrillWorker.run(arguments) }
        if arguments.rest == ["simulate"] { return try await SimulateCommand.run(arguments) }
        guard arguments.rest == ["kill"] else { throw Usage("the drill so far is `drill kill`") }
        let jobs = try arguments.number("jobs", in: 100...10_000_000, or: 100_000)
        let wanted = arguments.text("victim") ?? "all"
        let victims = KillDrill.Victim.allCases.filter { wanted == "all" || $0.rawValue == wanted }
        if victims.isEmpty {
            throw Usage("--victim \(wanted): must be worker, serve, redis, postgres or all")
        }
        var outcomes: [KillDrill.Outcome] = []
        for victim in victims {
            outcomes.append(try await KillDrill(jobs: jobs, victim: victim).run())
        }
        show(outcomes, isJSON: arguments.has("json"))
        if outcomes.contains(where: { !$0.holds }) { throw Exit(code: 1) }
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
