import TallyAdmin
import TallyCommandLine
import TallyCore
import Tallystick

enum MigrateCommand: Command {
    static let name = "migrate"
    static let summary = "make or update the ledger's tables"
    static let help = """
        tally migrate               applies what is missing; any number of processes may run it at once
          --status                  lists every migration, applied or pending
          --verify                  changes nothing; names what is missing
          --dry-run                 prints the SQL that would run
          --record-layout 2         lets jobs have headers, a tenant, a limit key and not-after. First upgrade
                                    EVERY program that uses this queue (clients, workers, serve): older ones
                                    are refused by Redis from then on. Running workers of an older program are
                                    named and nothing is changed; of clients, and in mode queued without
                                    Postgres, you must make sure yourself. There is no way back.
        With --json: {"applied":[…]}, a list of {"version","name","state"}, {"complete","why"}, {"sql"},
        {"record_layout","raised"}.
        """
    static let exitCodes = ExitCodes(failed: .init(1, "failed, or the schema is incomplete"))
    static let switches: Set<String> = ["status", "verify", "dry-run"]
    static let flags: Set<String> = ["record-layout"]

    static func run(_ arguments: Arguments) async throws {
        var asked = ["status", "verify", "dry-run"].filter { arguments.has($0) }
        let layout = arguments.text("record-layout")
        if layout != nil { asked.append("record-layout") }
        if asked.count > 1 { throw Usage("give --\(asked[0]) or --\(asked[1]), not both") }
        let isJSON = arguments.has("json")
        if let layout { return try await raise(layout, arguments, isJSON) }
        let settings = try Common.settings(arguments)
        guard let url = settings.postgresURL else { throw InvalidSetting("TALLY_POSTGRES_URL", "is not set") }
        let configuration = try PostgresConfiguration(
            url: url, schema: Settings.schema(settings.namespace) ?? "tally")
        try settings.check(owner: try await PostgresLedger.owner(configuration))
        let migrator = try Migrator(configuration)
        if arguments.has("status") {
            let entries = try await migrator.status()
            if isJSON {
                Output.json(
                    entries.map {
                        ["version": $0.version, "name": $0.name, "state": text($0.state)] as [String: Any]
                    })
            } else {
                Output.table(
                    ["VERSION", "NAME", "STATE"], entries.map { ["\($0.version)", $0.name, text($0.state)] })
            }
        } else if arguments.has("verify") {
            try await verify(migrator, isJSON)
        } else if arguments.has("dry-run") {
            let script = try await migrator.dryRun()
            if isJSON { Output.json(["sql": script]) } else { Output.line(script) }
        } else {
            let applied = try await migrator.apply()
            try settings.check(
                owner: try await PostgresLedger.owner(configuration, claiming: settings.namespace))
            if isJSON { return Output.json(["applied": applied.map(\.name)]) }
            for migration in applied { Output.line("applied \(migration.name)") }
            if applied.isEmpty { Output.line("nothing to do") }
        }
    }

    private static func raise(_ text: String, _ arguments: Arguments, _ isJSON: Bool) async throws {
        guard text == "\(JobRecord.newestLayout)" else {
            throw Usage(
                "--record-layout \(Output.printable(text)): must be \(JobRecord.newestLayout), the newest that this "
                    + "program knows; it never goes back")
        }
        let isRaised = try await Common.withTally(arguments) { tally in
            try await tally.admin.raiseRecordLayout(to: JobRecord.newestLayout)
        }
        if isJSON {
            Output.json(["record_layout": JobRecord.newestLayout, "raised": isRaised] as [String: Any])
        } else {
            Output.line(isRaised ? "record layout \(text) may be written" : "nothing to do")
        }
    }

    private static func verify(_ migrator: Migrator, _ isJSON: Bool) async throws {
        do throws(LedgerError) {
            try await migrator.verify()
        } catch {
            if isJSON, error.code == .schema {
                Output.json(["complete": false, "why": error.detail] as [String: Any])
            }
            throw error
        }
        if isJSON { Output.json(["complete": true]) } else { Output.line("the schema is complete") }
    }

    private static func text(_ state: Migrator.Entry.State) -> String {
        switch state {
        case .applied(let at): "applied \(at)"
        case .missing: "pending"
        case .changed: "applied from another text"
        case .newer: "applied by a newer program"
        case .newerAndBreaking: "applied by a newer program, which this one cannot work beside"
        }
    }
}
