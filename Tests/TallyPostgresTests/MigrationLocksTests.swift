import Foundation
import TallyCore
import TallyPostgresClient
import Testing

@testable import TallyPostgres

extension PostgresTests {
    /// What each migration keeps others from, as the server sees it in the migration's own transaction.
    @Suite(.serialized) struct `The locks of the migrations` {
        /// Those that are stronger than a writer's own, the strongest last.
        private static let modes = [
            "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE",
        ]
        private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()

        @Test func `are those of the table beside them, and each header names its own`() async throws {
            let configuration = try newConfiguration()
            try await withSchema(configuration) { _ in
                let connection = try PostgresConnection(
                    configuration, statements: Statements(schema: configuration.schema))
                defer { connection.close() }
                try connection.script(connection.statements[.createSchema], within: Limits.migration)
                var rows: [String] = []
                for migration in try MigrationSet.embedded().migrations {
                    let found = try self.locks(of: migration, on: connection)
                    rows += found.sorted { $0.key < $1.key }
                        .map { "| \(migration.name) | \($0.key) | \(Self.modes[$0.value]) |" }
                    // A header names partitions with their table, whose lock is as strong.
                    let tables = Dictionary(
                        found.map { ($0.key.replacing(" partitions", with: ""), $0.value) },
                        uniquingKeysWith: max)
                    let named = Self.named(in: migration.text, of: Set(tables.keys))
                    #expect(named == tables, "the header of \(migration.name)")
                }

                #expect(try Self.written() == rows, "the table should be:\n\(rows.joined(separator: "\n"))")
            }
        }

        /// Applies it as the migrator does, and reads what its transaction holds before that commits: for each table
        /// that was there before, the strongest of `modes`.
        private func locks(
            of migration: Migration, on connection: PostgresConnection
        ) throws(LedgerError) -> [String: Int] {
            let statements = connection.statements
            return try connection.transaction { () throws(LedgerError) -> [String: Int] in
                try connection.run(.patience)
                try connection.run(.lockSchema)
                let tables = try connection.values(
                    """
                    SELECT c.oid::bigint,
                      CASE WHEN p.oid IS NULL THEN c.relname::text ELSE p.relname || ' partitions' END
                    FROM pg_class c
                    LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
                    LEFT JOIN pg_class p ON p.oid = i.inhparent
                    WHERE c.relkind IN ('r', 'p')
                      AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
                    """, [.text(statements.schema)], .none)
                try connection.script(
                    Statements.adapted(migration.text, schema: statements.schema), within: Limits.migration)
                let held = try connection.values(
                    """
                    SELECT relation::bigint, mode FROM pg_locks
                    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted
                    """, [], .none)
                return Self.strongest(held, of: tables)
            }
        }

        private static func strongest(_ held: [[LedgerValue]], of tables: [[LedgerValue]]) -> [String: Int] {
            var found: [String: Int] = [:]
            for lock in held {
                guard case .text(let mode) = lock[1],
                    let strength = modes.firstIndex(where: { mode == pgName($0) }),
                    let table = tables.first(where: { $0[0] == lock[0] }), case .text(let name) = table[1]
                else { continue }
                found[name] = max(found[name] ?? 0, strength)
            }
            return found
        }

        /// `SHARE ROW EXCLUSIVE` is `ShareRowExclusiveLock` in pg_locks.
        private static func pgName(_ mode: String) -> String {
            mode.capitalized.filter { $0 != " " } + "Lock"
        }

        /// The strongest mode that a header gives each table: its clauses say `MODE on table, table and table`, one mode
        /// each. The longest name is meant: SHARE ROW EXCLUSIVE ends as EXCLUSIVE does.
        private static func named(in text: String, of tables: Set<String>) -> [String: Int] {
            let header = text.split(separator: "\n").prefix { $0.hasPrefix("--") }
                .map { $0.dropFirst(2).trimmingCharacters(in: .whitespaces) }
                .drop { !$0.hasPrefix("Locks:") }.prefix { !$0.hasPrefix("Undo:") && !$0.hasPrefix("After:") }
                .joined(separator: " ")
            var found: [String: Int] = [:]
            for clause in header.split(whereSeparator: { ".;:".contains($0) }) {
                let meant = modes.indices.filter { clause.contains("\(modes[$0]) on ") }
                guard let mode = meant.max(by: { modes[$0].count < modes[$1].count }) else { continue }
                for word in clause.split(whereSeparator: { !$0.isLetter && $0 != "_" }).map(String.init)
                where tables.contains(word) {
                    found[word] = max(found[word] ?? 0, mode)
                }
            }
            return found
        }

        /// The rows of the table that is kept beside the migrations.
        private static func written() throws -> [String] {
            try String(contentsOf: folder.appending(path: "sql/migrations/locks.md"), encoding: .utf8)
                .split(separator: "\n").filter { $0.hasPrefix("| 0") }.map(String.init)
        }
    }
}
