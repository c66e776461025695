import Synchronization
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
    /// The rows that a new schema has, as JSON, by table.
    private let rows: [String: String]

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
        return try await withSession(configuration) { session in
            var rows: [String: String] = [:]
            for table in try await session.texts(tables(of: name)) {
                rows[table] = try await session.texts(
                    "SELECT json_agg(t)::text FROM \"\(name)\".\"\(table)\" t HAVING count(*) > 0"
                ).first
            }
            return MigratedSchema(
                name: name, logins: logins, shape: try await shape(of: name, session), rows: rows)
        }
    }

    /// Empties it for the next test, or drops it: one that a test altered or filled with a lot is not reused.
    package func giveBack() async throws {
        let isUsable = try await Self.withSession(Self.configuration(name)) { session in
            do {
                try await empty(session)
                return try await Self.shape(of: name, session) == shape
            } catch {
                return false  // altered, or somebody still holds its rows
            }
        }
        if isUsable { return Self.free.withLock { $0.append(self) } }
        try await Migrator(Self.configuration(name)).removeLedger()
        try await logins?.remove()
    }

    // MARK: Parts

    private func empty(_ session: PostgresSession) async throws {
        for setting in ["lock_timeout = '2s'", "session_replication_role = replica"] {
            _ = try await session.query("SET \(setting)")
        }
        try await session.begin()
        for table in try await session.texts(Self.tables(of: name)) {
            let target = "\"\(name)\".\"\(table)\""
            _ = try await session.query("DELETE FROM \(target)")
            guard let rows = rows[table] else { continue }
            _ = try await session.query(
                "INSERT INTO \(target) SELECT * FROM json_populate_recordset(null::\(target), $1::json)",
                [.text(rows)])
        }
        try await session.commit()
    }

    /// All but partitions, whose rows are their parents'.
    private static func tables(of name: String) -> String {
        """
        SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = '"\(name)"'::regnamespace
        AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        """
    }

    /// Everything of the catalogue that a test may change, and whether much was written.
    private static func shape(of name: String, _ session: PostgresSession) async throws -> String {
        let space = "'\"\(name)\"'::regnamespace"
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
        return try await session.texts("SELECT md5(string_agg(x, '|' ORDER BY x)) FROM (\(all)) AS s (x)")[0]
    }

    private static func configuration(_ name: String) throws -> PostgresConfiguration {
        try PostgresConfiguration(url: Servers.postgresURL, schema: name)
    }

    private static func withSession<Value>(
        _ configuration: PostgresConfiguration, _ body: (PostgresSession) async throws -> Value
    ) async throws -> Value {
        let session = try await PostgresSession.open(configuration)
        do {
            let value = try await body(session)
            await session.close()
            return value
        } catch {
            await session.close()
            throw error
        }
    }
}

extension PostgresSession {
    fileprivate func texts(_ sql: String) async throws -> [String] {
        try await query(sql).compactMap { row in
            if case .text(let text)? = row.first { text } else { nil }
        }
    }
}
