import TallyAdmin
import TallyCommandLine
import Tallystick

enum ExplainCommand: Command {
    static let name = "explain"
    static let summary = "why a job stands where it stands, and what happens to it next, and when"
    static let help = """
        tally explain ID
        Both halves side by side, every transition with who made it, its fence, its reason and the time since the one
        before, and what comes next: when it runs, behind how many it waits, who has it and until when, what keeps it.
        While it runs also how far it is, where its handler says so. What its handlers logged stands there by attempt.
        A store that is away is named, and the rest is told without it.
        With --json one object, times in UTC: "id", "type", "queue", "now"; "redis" and "postgres", null or the job as
        that half has it; "in_redis", "in_postgres"; "progress", null or what the handler said last, as
        "fraction", "text" and "at"; "outbox"; "history", with "since_previous_us"; "log", what handlers
        logged, a list of "epoch", "version", "number", "at" and "text"; "next", a list of "code", "text" and, where
        there is one, "at"; "unasked", a list of "what" and "why"; of what `tally replay` enqueued anew "replay_of"
        and "replayed_as". A code keeps its meaning.
        """
    static let words = 1...1
    static let exitCodes = ExitCodes(
        failed: .init(1, "failed, there is no such job, or something could not be asked"))

    static func run(_ arguments: Arguments) async throws {
        let id = try Common.jobID(arguments)
        try await Common.withTally(arguments, isReading: true) { tally in
            guard let explanation = try await tally.admin.explain(id) else {
                Output.note("tally explain: no job \(id) in either half")
                throw Exit(code: 1)
            }
            if arguments.has("json") {
                Output.json(explanation.json)
            } else {
                for line in explanation.text(width: Output.columns) { Output.line(line) }
            }
            for part in explanation.unasked {
                Output.note("tally explain: \(part.what) could not be asked: \(part.why)")
            }
            if !explanation.unasked.isEmpty { throw Exit(code: 1) }
        }
    }
}
