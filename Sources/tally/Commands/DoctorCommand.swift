import TallyAdmin
import TallyCommandLine
import TallyCore
import Tallystick

enum DoctorCommand: Command {
    static let name = "doctor"
    static let summary = "what is wrong with the installation, and how to mend it"
    static let help = """
        tally doctor                looks at both servers, their settings, rights and clocks, the schema, whether the
                                    halves belong together, duties, outbox, quarantine, months and workers; changes
                                    nothing. What could not be asked is a finding, and the rest is told
          --print-acl               prints the least rights of a user of Redis, a line a shard, and asks nobody
          --print-roles             prints the script that makes the roles of Postgres, and asks nobody
        Each finding is good, a note, to be mended, or an alarm: jobs are held up or in danger.
        With --json {"healthy","findings"}, a list of {"code","subject","severity","text","mend"}; a code keeps its
        meaning. {"acl"} of --print-acl, {"sql"} of --print-roles.
        """
    static let switches: Set<String> = ["print-acl", "print-roles"]
    static let exitCodes = ExitCodes(
        done: "nothing must be mended", failed: .init(1, "something must be mended, or failed"))

    static func run(_ arguments: Arguments) async throws {
        if arguments.has("print-acl"), arguments.has("print-roles") {
            throw Usage("give --print-acl or --print-roles, not both")
        }
        if arguments.has("print-acl") { return try printACL(arguments) }
        if arguments.has("print-roles") { return try printRoles(arguments) }
        let diagnosis = try await diagnose(Common.settings(arguments))
        if arguments.has("json") {
            Output.json(diagnosis.json)
        } else {
            for line in diagnosis.text(width: Output.columns, mark: mark) { Output.line(line) }
        }
        if diagnosis.exitCode != 0 { throw Exit(code: diagnosis.exitCode) }
    }

    /// As wide as what a finding's later lines are indented by.
    private static func mark(_ severity: Finding.Severity) -> String {
        switch severity {
        case .good: Output.coloured("good", .green) + "   "
        case .note: "note   "
        case .mend: Output.coloured("mend", .yellow) + "   "
        case .alarm: Output.coloured("ALARM", .red) + "  "
        }
    }

    // MARK: What is printed

    private static func printACL(_ arguments: Arguments) throws {
        let namespace = try Common.namespace(arguments)
        // Where no address is set there is nobody to count, and one shard is what most have.
        let shards = (try? Common.settings(arguments).redisShards().map(\.part.shard)) ?? [.first]
        let rules = shards.map { LeastRights.rule(namespace: namespace, shard: $0) }
        if arguments.has("json") { return Output.json(["acl": rules]) }
        for rule in rules { Output.line(rule) }
    }

    private static func printRoles(_ arguments: Arguments) throws {
        let script = PostgresLedger.rolesScript(
            schema: Settings.schema(try Common.namespace(arguments)) ?? "tally")
        if arguments.has("json") { Output.json(["sql": script]) } else { Output.line(script) }
    }

    // MARK: What is asked

    private static func diagnose(_ settings: Settings) async throws -> Diagnosis {
        var diagnosis = Diagnosis(mode: settings.mode)
        var shards = try settings.redisShards()
        for at in shards.indices { shards[at].connectTimeout = Limits.commandConnect }
        diagnosis.queues = await shards.askedAtOnce {
            shard -> (part: ShardPart, asked: Diagnosis.Asked<QueueVitals>) in
            (part: shard.part, asked: await .asked { try await QueueVitals.at(shard) })
        }
        if let url = settings.postgresURL { await askLedger(&diagnosis, url, settings.namespace) }
        await askBoth(&diagnosis, settings)
        return diagnosis
    }

    private static func askLedger(_ diagnosis: inout Diagnosis, _ url: String, _ namespace: String) async {
        let schema = Settings.schema(namespace) ?? "tally"
        do {
            let configuration = try PostgresConfiguration(
                url: url, schema: schema, connectTimeout: Limits.commandConnect)
            diagnosis.ledger = .told(try await LedgerVitals.at(configuration))
        } catch {
            diagnosis.ledger = .failed("\(error)")
            diagnosis.isLedgerCutShort = error.isCutShort
        }
        // One that did not answer is not asked again, and one that is refused would say the same once more.
        guard case .told(let vitals) = diagnosis.ledger, !vitals.isRefused else { return }
        diagnosis.schema = await .asked {
            let configuration = try PostgresConfiguration(
                url: url, schema: schema, connectTimeout: Limits.commandConnect)
            let entries = try await Migrator(configuration).status()
            func names(_ isMeant: (Migrator.Entry.State) -> Bool) -> [String] {
                entries.filter { isMeant($0.state) }.map(\.name)
            }
            return Diagnosis.Schema(
                count: entries.count, missing: names { $0 == .missing }, changed: names { $0 == .changed },
                breaking: names { $0 == .newerAndBreaking })
        }
    }

    private static func askBoth(_ diagnosis: inout Diagnosis, _ settings: Settings) async {
        var isLedgerAway = false
        var isRefused = false
        switch diagnosis.ledger {
        case .failed: isLedgerAway = true
        case .told(let vitals):
            isRefused = vitals.isRefused
            // No ledger is opened on one, and each question would meet that.
            isLedgerAway = vitals.isStandby
        case .nobody: break
        }
        let isWhole =
            !isLedgerAway
            && diagnosis.queues.allSatisfy { if case .told = $0.asked { true } else { false } }
        do {
            // What it would say of a store that is away is a finding already.
            let tally = try await Tally.open(settings, isReading: true, connecting: Limits.commandConnect)
            // A server that no queue may use was not asked whose it is.
            let isUsable = !diagnosis.findings.contains { $0.severity == .alarm }
            if isWhole, isUsable { diagnosis.opening = .told(true) }
            await tally.admin.fill(&diagnosis, isLedgerAway: isLedgerAway)
            await tally.close()
        } catch {
            if !isRefused { diagnosis.opening = .failed("\(error)") }
        }
    }
}
