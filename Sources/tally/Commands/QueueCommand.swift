import TallyAdmin
import TallyCommandLine
import TallyCore
import Tallystick

enum QueueCommand: Command {
    static let name = "queue"
    static let summary = "the queues: list, pause, resume, and purge of what waits in one"
    static let help = """
        tally queue list            each queue that has jobs or is paused, with its counts
        tally queue pause QUEUE     hands out no jobs of it; those that run go on. As `tally pause`
        tally queue resume QUEUE    hands them out again. As `tally resume`
        tally queue pause --type T  the same of one type, in every queue; resume likewise
        tally queue purge QUEUE     cancels every job of it that waits, as far as the ledger has it, and deletes
                                    nothing; those that run go on, also one that a worker takes just then
        \(BulkText.help)
        With --json: {"queues","paused_types"} of list, {"queue","paused"} or {"type","paused"}, and of purge
        {"dry_run","before","after","matched","changed","uncertain","refused","more","kinds"}, and "stopped" where it
        ended early. What is uncertain may be cancelled, and counts among the limit: "doubts" says why, run it again.
        """
    static let flags = BulkText.filters.union(BulkText.flags).subtracting(["queue"])
    static let switches: Set<String> = ["go"]
    static let subcommands = [["list"], ["pause"], ["resume"], ["purge"]]
    static let words = 1...2
    static let exitCodes = ExitCodes(
        failed: .init(1, "failed, or some that matched could not be cancelled"),
        others: [ExitCodes.interrupted])

    static func run(_ arguments: Arguments) async throws {
        let words = arguments.rest
        switch words.first {
        case "list" where words.count == 1:
            try arguments.allow([], in: "queue list")
            try await list(arguments)
        case "pause", "resume":
            try arguments.allow(["type"], in: "queue \(words[0])")
            let isPaused = words[0] == "pause"
            let queue = words.count == 2 ? words[1] : nil
            try await PauseCommand.pauseEither(queue, arguments, isPaused)
        case "purge" where words.count == 2: try await purge(QueueName(words[1]), arguments)
        default: throw Usage("say `queue list`, or `queue pause`, `resume` or `purge` and a queue")
        }
    }

    private static func list(_ arguments: Arguments) async throws {
        try await Common.withTally(arguments, isReading: true) { tally in
            let queues = try await tally.queue.counts()
            let types = try await tally.queue.pausedTypes().map(\.text)
            if arguments.has("json") {
                Output.json(["queues": queues.map(\.json), "paused_types": types] as [String: Any])
            } else {
                Output.table(
                    ["QUEUE", "PENDING", "WAITING", "DUE", "PROCESSING", "EXPIRED", "PAUSED"],
                    queues.map {
                        [
                            Output.printable($0.queue.text), "\($0.pending)", "\($0.waiting)", "\($0.due)",
                            "\($0.processing)", "\($0.expired)", $0.isPaused ? "yes" : "",
                        ]
                    })
                if !types.isEmpty {
                    Output.line("paused types: \(types.map { Output.printable($0) }.joined(separator: ", "))")
                }
            }
        }
    }

    private static func purge(_ queue: QueueName, _ arguments: Arguments) async throws {
        if let problem = NameCheck.problem(queue.text) { throw Usage("the queue's name \(problem)") }
        let filter = try BulkText.filter(arguments)
        let options = try BulkText.options(arguments, "cancelled")
        try await Common.withTally(arguments, isReading: !options.goes) { tally in
            let report = try await tally.admin.cancelWaiting(in: queue, matching: filter, options)
            BulkText.show(report, arguments, verb: "cancelled", noun: "jobs that wait")
            let isWhole = report.refused.isEmpty && report.uncertain == 0
            try BulkText.end(report.course, isWhole: isWhole, "queue purge")
        }
    }
}
