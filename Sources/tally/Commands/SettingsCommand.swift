import TallyCommandLine
import TallyCore
import Tallystick

enum SettingsCommand: Command {
    static let name = "settings"
    static let summary = "the settings in force, and where each comes from"
    static let help = """
        tally settings              prints every setting, what it is for a command that is given these flags here, and
                                    where that comes from: a flag, the environment, the path of a file, default, or
                                    built in, which is what a service connects with unless its own code says
                                    otherwise. A password is shown as ***. Asks nobody
        With --json {"settings"}, a list of {"name","value","source"}; one that is not set has no value.
        """

    static func run(_ arguments: Arguments) async throws {
        let rows = try rows(Common.settings(arguments), Common.sources(arguments))
        if arguments.has("json") {
            Output.json([
                "settings": rows.map { row in
                    var object: [String: Any] = ["name": row.name, "source": row.source]
                    object["value"] = row.value
                    return object
                }
            ])
            return
        }
        Output.table(
            ["SETTING", "VALUE", "FROM"],
            rows.map { row in
                // Whole: half an address is none.
                [row.name, row.value.map { Output.printable($0, limit: .max) } ?? "-", row.source]
            })
    }

    private struct Row {
        let name: String
        let value: String?
        let source: String
    }

    private static func rows(_ settings: Settings, _ sources: [String: String]) throws -> [Row] {
        let shards = try settings.redisShards()
        let schema = Settings.schema(settings.namespace) ?? "tally"
        var ledger: PostgresConfiguration?
        if let url = settings.postgresURL { ledger = try PostgresConfiguration(url: url, schema: schema) }
        let values: [String: String?] = [
            "TALLY_REDIS_URL": shards.map(\.shown).joined(separator: " "),
            "TALLY_POSTGRES_URL": ledger?.address.shown, "TALLY_NAMESPACE": settings.namespace,
            "TALLY_MODE": settings.mode.rawValue,
        ]
        var rows = Settings.names.map { name in
            Row(name: name, value: values[name] ?? nil, source: sources[name] ?? "default")
        }
        // All shards have the same.
        if let redis = shards.first {
            rows += [
                builtIn("RedisConfiguration.connectTimeout", redis.connectTimeout.short),
                builtIn("RedisConfiguration.replyTimeout", redis.replyTimeout.short),
            ]
        }
        if let ledger {
            rows += [
                Row(name: "PostgresConfiguration.schema", value: schema, source: "TALLY_NAMESPACE"),
                builtIn("PostgresConfiguration.poolConnections", "\(ledger.poolConnections)"),
                builtIn("PostgresConfiguration.connectTimeout", ledger.connectTimeout.short),
                builtIn("PostgresConfiguration.statementTimeout", ledger.statementTimeout.short),
                builtIn("PostgresConfiguration.transactionTimeout", ledger.transactionTimeout.short),
            ]
        }
        return rows
    }

    private static func builtIn(_ name: String, _ value: String) -> Row {
        Row(name: name, value: value, source: "built in")
    }
}
