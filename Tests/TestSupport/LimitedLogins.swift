import Foundation
import TallyCore
import TallyPostgres
import TallyRedis
import TallyTesting
import Tallystick

/// Logins for one namespace that may do what a program needs and no more: a user of Redis by the rule that
/// `tally doctor --print-acl` prints, and a login with the writer's role of `--print-roles`.
package struct LimitedLogins: Sendable {
    package let redisURL: String
    package let postgresURL: String
    private let namespace: String
    private static let password = "l1mited"

    /// Makes them on the servers of the tests. The schema is there already.
    static func make(_ namespace: String) async throws -> LimitedLogins {
        let rule = LeastRights.rule(namespace: namespace).split(separator: " ").map { word -> String in
            switch word {
            case "tally": namespace
            case ">PASSWORD": ">\(password)"
            default: String(word)
            }
        }
        let answer = try RawRedis(url: Servers.redisURL).send(rule.map { Array($0.utf8) })
        if case .error(let why) = answer { throw Servers.Missing(description: "a user of Redis: \(why)") }
        let roles = PostgresLedger.rolesScript(schema: namespace)
        try await script(roles + "\n" + login(namespace), schema: namespace)
        return LimitedLogins(
            redisURL: address(try Servers.redisURL, of: namespace),
            postgresURL: address(try Servers.postgresURL, of: "\(namespace)_app"), namespace: namespace)
    }

    private static func login(_ namespace: String) -> String {
        """
        CREATE ROLE "\(namespace)_app" LOGIN PASSWORD '\(password)';
        GRANT "\(namespace)_writer" TO "\(namespace)_app";
        """
    }

    /// Takes them away; the schema may be gone already.
    func remove() async throws {
        try RawRedis(url: Servers.redisURL)("ACL", "DELUSER", namespace)
        let roles = ["app", "owner", "writer", "enqueuer", "reader"].map { "\"\(namespace)_\($0)\"" }
            .joined(separator: ", ")
        let session = try await PostgresSession.open(PostgresConfiguration(url: Servers.postgresURL))
        do {
            _ = try await session.query("DROP OWNED BY \(roles)")
            _ = try await session.query("DROP ROLE \(roles)")
            await session.close()
        } catch {
            await session.close()
            throw error
        }
    }

    private static func script(_ text: String, schema: String) async throws {
        let ledger = try await PostgresLedger.open(
            PostgresConfiguration(url: Servers.postgresURL, schema: schema, poolConnections: 1))
        do {
            try await ledger.pool.run("make roles") { connection throws(LedgerError) in
                try connection.script(text, within: .seconds(30))
            }
            await ledger.close()
        } catch {
            await ledger.close()
            throw error
        }
    }

    /// The same server for another login.
    private static func address(_ url: String, of user: String) -> String {
        let head = url.firstRange(of: "://")?.upperBound ?? url.startIndex
        let host = url.lastIndex(of: "@").map { url.index(after: $0) } ?? head
        return "\(url[..<head])\(user):\(password)@\(url[host...])"
    }
}

/// Both halves in a namespace and a schema of their own, opened by `LimitedLogins`; removed at the end by who may.
package struct LimitedScratch: Sendable {
    package let settings: Settings
    package let queue: RedisQueue
    /// All but the raising of the record layout runs as the writer: who may migrate raises it.
    package let ledger: LedgerStore
    private let pools: [PostgresLedger]
    private let schema: MigratedSchema

    package static func open(clock: ManualClock? = nil) async throws -> LimitedScratch {
        let schema = try await MigratedSchema.take(isLimited: true)
        guard let logins = schema.logins else {
            throw Servers.Missing(description: "logins of \(schema.name)")
        }
        let settings = try Settings(
            redisURL: logins.redisURL, postgresURL: logins.postgresURL, namespace: schema.name)
        var redis = try settings.redis()
        redis.testClock = clock?.reading
        let queue = try await RedisQueue.open(redis)
        // Fresh halves agree: nothing to compare before leasing may begin.
        try await queue.open(epoch: queue.history().epoch)
        let writer = try await ledger(logins.postgresURL, schema.name, connections: 3)
        let owner = try await ledger(Servers.postgresURL, schema.name, connections: 1)
        var store = writer.store
        store.recordLayout = owner
        return LimitedScratch(
            settings: settings, queue: queue, ledger: store, pools: [writer, owner], schema: schema)
    }

    private static func ledger(
        _ url: String, _ schema: String, connections: Int
    ) async throws -> PostgresLedger {
        try await PostgresLedger.open(
            PostgresConfiguration(url: url, schema: schema, poolConnections: connections))
    }

    package func remove() async throws {
        await queue.close()
        for pool in pools { await pool.close() }
        let broom = try await RedisQueue.open(
            RedisConfiguration(url: Servers.redisURL, namespace: settings.namespace))
        try await broom.removeNamespace()
        await broom.close()
        try await schema.giveBack()
    }
}
