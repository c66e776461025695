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
    static let exitCodes = ExitCodes(
        failed: .init(1, "failed, or this month or the next has no partition"))

    static func run(_ arguments: Arguments) async throws {
        try await Common.withTally(arguments) { tally in
            _ = try Common.ledger(tally)
            guard let ledger = tally.postgres else { return }
            switch arguments.rest {
            case []: break
            case ["make"]:
                Output.line("made \(try await ledger.makePartitions(months: Limits.monthsAhead))")
            case ["split"]:
                for table in ["jobs", "job_events"] {
                    // One gap between partitions at a time.
                    while let name = try await ledger.splitDefault(table) { Output.line("split off \(name)") }
                }
                try await ledger.makePartitions(months: Limits.monthsAhead)
            default: throw Usage("`partitions`, `partitions make` or `partitions split`")
            }
            try await show(ledger, asJSON: arguments.has("json"))
        }
    }

    private static func show(_ ledger: PostgresLedger, asJSON: Bool) async throws {
        let missing = try await ledger.missingPartitions(months: Limits.monthsAhead)
        let filled = try await ledger.filledDefaults(upTo: 1_000_000)
        if asJSON {
            var rows: [String: Int] = [:]
            for entry in filled { rows[entry.table] = entry.rows }
            Output.json(["missing": missing, "default_rows": rows] as [String: Any])
        } else {
            for name in missing { Output.line("missing \(name)") }
            for (table, rows) in filled { Output.line("\(table)_default holds \(rows) rows") }
        }
        if try await !ledger.missingPartitions(months: 1).isEmpty { throw Exit(code: 1) }
    }
}
