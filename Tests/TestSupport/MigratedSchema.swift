import Synchronization
import TallyCore
import TallyPostgres
import Tallystick

/// A migrated schema without a row but those that migrating makes. Tests use the same few one after another, since to
/// make one costs the server twenty times what to empty it does.
package struct MigratedSchema: Sendable {
    package let name: String
    /// Logins that may do no more than a program needs; nil where nobody asked for them.
    package let logins: LimitedLogins?
    /// What it looked like when it was made: a test may alter what it was given.
    private let shape: String
    /// The statement that gives each table the rows that a new schema has.
    private let emptying: String
    /// Stays open between tests: to open another costs more than to empty the schema.
    private let session: PostgresSession

    private static let free = Mutex<[MigratedSchema]>([])

    /// - Parameter isLimited: with roles, and logins of the least rights.
    package static func take(isLimited: Bool = false) async throws -> MigratedSchema {
        let spare = free.withLock { free in
            free.lastIndex { ($0.logins != nil) == isLimited }.map { free.remove(at: $0) }
        }
        if let spare { return spare }
        let name = ScratchNamespace.newName()
        let configuration = try configuration(name)
        _ = try await Migrator(configuration).apply()
        let logins = isLimited ? try await LimitedLogins.make(name) : nil
        let session = try await PostgresSession.open(configuration)
        do {
            for setting in ["lock_timeout = '2s'", "session_replication_role = replica"] {
                _ = try await session.query("SET \(setting)")
            }
            let emptying = try await emptying(name, session)
            return MigratedSchema(
                name: name, logins: logins, shape: try await shape(of: name, session), emptying: emptying,
                session: session)
        } catch {
            await session.close()
            throw error
        }
    }

    /// Empties it for the next test, or drops it: one that a test altered or filled with a lot is not reused.
    package func giveBack() async throws {
        if await restore() { return Self.free.withLock { $0.append(self) } }
        await session.close()
        try await Migrator(Self.configuration(name)).removeLedger()
        try await logins?.remove()
    }

    // MARK: Parts

    /// Empties it; false where it is not what it was.
    private func restore() async -> Bool {
        do {
            _ = try await session.query(emptying)
            return try await Self.shape(of: name, session) == shape
        } catch {
            return false  // altered, or somebody still holds its rows
        }
    }

    /// One statement, and so one transaction, whatever the number of tables.
    private static func emptying(_ name: String, _ session: PostgresSession) async throws -> String {
        var steps: [String] = []
        for table in try await session.texts(tables(of: name)) {
            let target = "\"\(name)\".\"\(table)\""
            steps.append("DELETE FROM \(target);")
            let rows = try await session.texts(
                "SELECT json_agg(t)::text FROM \(target) t HAVING count(*) > 0")
            for json in rows {
                let text = json.replacing("'", with: "''")
                steps.append(
                    """
                    INSERT INTO \(target)
                      SELECT * FROM json_populate_recordset(null::\(target), '\(text)'::json);
                    """)
            }
        }
        return "DO $empty$ BEGIN\n\(steps.joined(separator: "\n"))\nEND $empty$"
    }

    /// All but partitions, whose rows are their parents'.
    private static func tables(of name: String) -> String {
        """
        SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = '"\(name)"'::regnamespace
        AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        """
    }

    /// Everything of the catalogue that a test may change, and whether much was written. Its text does not name the
    /// schema: it is what the server shows of the idle session, and tests look there for sessions of theirs.
    private static func shape(of name: String, _ session: PostgresSession) async throws -> String {
        let space = "(SELECT oid FROM pg_namespace WHERE nspname = $1)"
        let parts = [
            "SELECT concat('n', nspacl) FROM pg_namespace WHERE oid = \(space)",
            """
            SELECT concat('c', oid, relname, relacl, reloptions, relrowsecurity,
              pg_get_expr(relpartbound, oid), pg_relation_size(oid) > 4194304)
            FROM pg_class WHERE relnamespace = \(space)
            """,
            """
            SELECT concat('a', attrelid, attnum, attname, atttypid, attnotnull, attisdropped, attacl)
            FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = \(space)
            """,
            "SELECT concat('k', oid, conname, convalidated) FROM pg_constraint WHERE connamespace = \(space)",
            "SELECT concat('f', oid, prosrc, proacl) FROM pg_proc WHERE pronamespace = \(space)",
            """
            SELECT concat('t', t.oid, tgname, tgenabled) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
            WHERE relnamespace = \(space)
            """,
        ]
        let all = parts.map { "(\($0))" }.joined(separator: " UNION ALL ")
        return try await session.texts(
            "SELECT md5(string_agg(x, '|' ORDER BY x)) FROM (\(all)) AS s (x)", [.text(name)])[0]
    }

    private static func configuration(_ name: String) throws -> PostgresConfiguration {
        try PostgresConfiguration(url: Servers.postgresURL, schema: name)
    }
}

extension PostgresSession {
    fileprivate func texts(_ sql: String, _ values: [LedgerValue] = []) async throws -> [String] {
        try await query(sql, values).compactMap { row in
            if case .text(let text)? = row.first { text } else { nil }
        }
    }
}
