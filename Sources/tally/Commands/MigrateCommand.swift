import Tallystick

enum MigrateCommand: Command {
    static let name = "migrate"
    static let summary = "make or update the ledger's tables"
    static let help = """
        tally migrate               applies what is missing; any number of processes may run it at once
          --status                  lists every migration, applied or pending
          --verify                  changes nothing; exit 1 names what is missing
          --dry-run                 prints the SQL that would run
        """
    static let switches: Set<String> = ["status", "verify", "dry-run"]

    static func run(_ arguments: Arguments) async throws {
        let settings = try Common.settings(arguments)
        guard let url = settings.postgresURL else { throw InvalidSetting("TALLY_POSTGRES_URL", "is not set") }
        let migrator = try Migrator(
            PostgresConfiguration(url: url, schema: Settings.schema(settings.namespace) ?? "tally"))
        if arguments.has("status") {
            let entries = try await migrator.status()
            if arguments.has("json") {
                Output.json(
                    entries.map {
                        ["version": $0.version, "name": $0.name, "state": text($0.state)] as [String: Any]
                    })
            } else {
                Output.table(
                    ["VERSION", "NAME", "STATE"], entries.map { ["\($0.version)", $0.name, text($0.state)] })
            }
        } else if arguments.has("verify") {
            try await migrator.verify()
            Output.line("the schema is complete")
        } else if arguments.has("dry-run") {
            Output.line(try await migrator.dryRun())
        } else {
            let applied = try await migrator.apply()
            for migration in applied { Output.line("applied \(migration.name)") }
            if applied.isEmpty { Output.line("nothing to do") }
        }
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
