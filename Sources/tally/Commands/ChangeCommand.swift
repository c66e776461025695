import TallyCommandLine
import TallyCore
import Tallystick

enum ChangeCommand: Command {
    static let name = "change"
    static let summary = "give a waiting job another time or priority"
    static let help = """
        tally change ID [--run-at TIME] [--priority critical|high|normal|low]
        One that is scheduled, pending or retrying waits from then on so; a time that has passed makes it runnable.
        A job that runs or has ended is left as it is, and so is one that Redis does not have yet. It is a step of
        the job's history: `tally explain ID` shows it.
        A TIME is \(Usage.timeForms).
        With --json: {"id","outcome","status","version"}; outcome is changed, running, ended, not_in_queue, raced
        or not_found; the version comes with changed, the status with ended as well.
        """
    static let flags: Set<String> = ["run-at", "priority"]
    static let values = ["priority": JobPriority.allCases.map(\.name)]
    static let words = 1...1
    static let exitCodes = ExitCodes(
        done: "it waits now as was said", failed: .init(1, "failed, or it was left as it is"))

    static func run(_ arguments: Arguments) async throws {
        let id = try Common.jobID(arguments)
        let runAt = try arguments.time("run-at")
        if let problem = TimeText.runAt(runAt, from: .now) { throw Usage("--run-at: \(problem)") }
        let priority = try priority(arguments)
        if runAt == nil, priority == nil {
            throw Usage("say what to change: --run-at TIME, --priority P or both")
        }
        try await Common.withTally(arguments) { tally in
            let outcome = try await tally.client.change(id, runAt: runAt, priority: priority)
            if arguments.has("json") {
                Output.json(json(id, outcome))
            } else if case .changed = outcome {
                Output.line(text(id, outcome))
            }
            if case .changed = outcome { return }
            if !arguments.has("json") { Output.note("tally change: \(text(id, outcome))") }
            throw Exit(code: 1)
        }
    }

    private static func priority(_ arguments: Arguments) throws -> JobPriority? {
        guard let text = arguments.text("priority") else { return nil }
        guard let priority = JobPriority.allCases.first(where: { $0.name == text }) else {
            throw Usage("--priority \(Output.printable(text)): must be critical, high, normal or low")
        }
        return priority
    }

    private static func text(_ id: JobID, _ outcome: ChangeOutcome) -> String {
        switch outcome {
        case .changed(let status, let version): "job \(id) is \(status.rawValue) at version \(version)"
        case .running: "job \(id) runs already: `tally cancel \(id)` tells it to stop"
        case .ended(let status): "job \(id) has ended: it is \(status.rawValue)"
        case .notInQueue: "job \(id) is recorded, and Redis does not have it yet: ask again in a moment"
        case .raced: "job \(id) kept moving meanwhile: ask again"
        case .notFound: "there is no job \(id)"
        }
    }

    private static func json(_ id: JobID, _ outcome: ChangeOutcome) -> [String: Any] {
        var object: [String: Any] = ["id": id.description]
        switch outcome {
        case .changed(let status, let version):
            object["outcome"] = "changed"
            object["status"] = status.rawValue
            object["version"] = version
        case .running: object["outcome"] = "running"
        case .ended(let status):
            object["outcome"] = "ended"
            object["status"] = status.rawValue
        case .notInQueue: object["outcome"] = "not_in_queue"
        case .raced: object["outcome"] = "raced"
        case .notFound: object["outcome"] = "not_found"
        }
        return object
    }
}
