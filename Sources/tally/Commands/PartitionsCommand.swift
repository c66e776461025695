import TallyAdmin
import TallyCommandLine
import Tallystick

enum PartitionsCommand: Command {
    static let name = "partitions"
    static let summary = "the monthly partitions of the ledger: what is missing, make, split"
    static let help = """
        tally partitions            says which months are missing, and what lies in the DEFAULT partitions
          make                      makes the months ahead; `tally serve` does so every hour
          split                     makes of a DEFAULT partition that filled a partition of its months, while the
                                    system runs; as the owner of the schema. Safe to repeat
        """

    static let words = 0...1
    static let subcommands = [["make"], ["split"]]
    static let exitCodes = ExitCodes(
        failed: .init(1, "failed, or this month or the next has no partition"))

    static func run(_ arguments: Arguments) async throws {
        let isJSON = arguments.has("json")
        // To make and to split goes on for minutes; what only looks is short.
        let connecting = arguments.rest.isEmpty ? Limits.commandConnect : Limits.connect
        try await Common.withTally(arguments, connecting: connecting) { tally in
            let admin = tally.admin
            // With --json standard output is one value.
            @Sendable func say(_ text: String) { isJSON ? Output.note(text) : Output.line(text) }
            switch arguments.rest {
            case []: break
            case ["make"]: say("made \(try await admin.makePartitions())")
            case ["split"]: try await admin.splitPartitions { say("split off \($0)") }
            default: throw Usage("`partitions`, `partitions make` or `partitions split`")
            }
            guard let report = try await admin.partitions() else { return }
            if arguments.has("json") {
                Output.json(report.json)
            } else {
                for name in report.missing { Output.line("missing \(name)") }
                for (table, rows) in report.defaults { Output.line("\(table)_default holds \(rows) rows") }
            }
            if report.isUrgent { throw Exit(code: 1) }
        }
    }
}
