import TallyCore
import TestSupport
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite(.serialized) struct `The rights of the roles` {
        private typealias Right = RoleRights.Right

        /// Such as `INSERT on jobs`, `UPDATE (shards) on identity`.
        private func words(_ right: Right) -> String {
            let name = right.kind == .schema ? "the schema" : right.name
            return "\(right.privilege)\(right.column.isEmpty ? "" : " (\(right.column))") on \(name)"
        }

        /// As GRANT and REVOKE name it.
        private func object(_ right: Right) -> String {
            switch right.kind {
            case .schema: "SCHEMA \"tally\""
            case .table: "tally.\(right.name)"
            case .function: "FUNCTION tally.\(right.name)"
            }
        }

        @Test func `are read out of every GRANT of the script`() throws {
            let script = try #require(Statements.raw("roles"))
            let count = script.split(separator: "\n").count { $0.hasPrefix("GRANT ") }
            let grants = RoleRights.grants(in: script)

            #expect(grants.count == count && count > 15)
            for grant in grants where grant.roles.contains("writer") || grant.roles.contains("enqueuer") {
                #expect(!grant.rights.isEmpty, "\(grant)")
            }
            #expect(grants.allSatisfy { !$0.roles.isEmpty })
            let text = "GRANT SELECT, UPDATE (a, b) ON tally.x, tally.y TO \"tally_writer\";"
            #expect(
                RoleRights.grants(in: text).flatMap(\.rights).map(words) == [
                    "SELECT on x", "SELECT on y", "UPDATE (a) on x", "UPDATE (b) on x", "UPDATE (a) on y",
                    "UPDATE (b) on y",
                ])
        }

        @Test func `are what the script gives, and each that is taken away is told`() async throws {
            try await withLedger { fixture in
                let script = PostgresLedger.rolesScript(schema: fixture.schema)
                try await fixture.ledger.pool.run("roles") { connection throws(LedgerError) in
                    try connection.script(script, within: .seconds(30))
                }
                var failure: (any Error)?
                do {
                    let rights = try await expanded(fixture)
                    #expect(try await granted(fixture) == rights.map(words).sorted())
                    #expect(try await lacking(fixture, without: nil) == [])
                    for right in rights {
                        #expect(try await lacking(fixture, without: right) == [words(right)])
                    }
                } catch {
                    failure = error
                }
                let roles = ["owner", "writer", "enqueuer", "reader"].map { "\"\(fixture.schema)_\($0)\"" }
                    .joined(separator: ", ")
                _ = try await fixture.session.query("DROP OWNED BY \(roles)")
                _ = try await fixture.session.query("DROP ROLE \(roles)")
                if let failure { throw failure }
            }
        }

        /// The writer's, with every table in the place of "*".
        private func expanded(_ fixture: Fixture) async throws -> [Right] {
            let tables = try await texts(
                fixture,
                """
                SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = '"tally"'::regnamespace
                  AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
                """)
            #expect(tables.count > 15)
            let all = RoleRights.writer.flatMap { right in
                right.name != "*"
                    ? [right] : tables.map { Right(kind: .table, name: $0, privilege: right.privilege) }
            }
            return Array(Set(all))
        }

        /// What the server's catalogue says of the writer.
        private func granted(_ fixture: Fixture) async throws -> [String] {
            try await texts(
                fixture,
                """
                WITH role AS (SELECT r.oid FROM pg_roles r WHERE r.rolname = 'tally_writer'),
                tables AS (
                  SELECT c.oid, c.relname, c.relacl FROM pg_class c
                  WHERE c.relnamespace = '"tally"'::regnamespace AND c.relkind IN ('r', 'p', 'v')
                    AND NOT c.relispartition
                )
                SELECT x.privilege_type || ' on ' || t.relname FROM role, tables t, aclexplode(t.relacl) x
                WHERE x.grantee = role.oid
                UNION ALL
                SELECT x.privilege_type || ' (' || a.attname || ') on ' || t.relname
                FROM role, tables t JOIN pg_attribute a ON a.attrelid = t.oid, aclexplode(a.attacl) x
                WHERE x.grantee = role.oid
                UNION ALL
                SELECT x.privilege_type || ' on ' || p.proname FROM role, pg_proc p, aclexplode(p.proacl) x
                WHERE p.pronamespace = '"tally"'::regnamespace AND x.grantee = role.oid
                UNION ALL
                SELECT x.privilege_type || ' on the schema' FROM role, pg_namespace s, aclexplode(s.nspacl) x
                WHERE s.oid = '"tally"'::regnamespace AND x.grantee = role.oid
                """
            ).sorted()
        }

        private func texts(_ fixture: Fixture, _ sql: String) async throws -> [String] {
            try await fixture.query(sql).compactMap { row in
                if case .text(let text)? = row.first { text } else { nil }
            }
        }

        /// What the writer is told that it lacks once one right was taken from it. All of it is rolled back.
        private func lacking(_ fixture: Fixture, without right: Right?) async throws -> [String] {
            let revoke = right.map { right in
                "REVOKE \(right.privilege)\(right.column.isEmpty ? "" : " (\(right.column))") ON "
                    + "\(object(right)) FROM \"tally_writer\", PUBLIC"
            }
            let sql = [revoke, "SET LOCAL ROLE \"tally_writer\""].compactMap { $0 }.map {
                Statements.adapted($0, schema: fixture.schema)
            }
            return try await fixture.ledger.pool.run("rights") { connection throws(LedgerError) in
                try connection.begin()
                for statement in sql { _ = try connection.query(statement, Parameters()) }
                let rows = try connection.run(.vitals, RoleRights.parameters(RoleRights.writer))
                let found = rows.texts(0, 11)
                connection.rollback()
                return found
            }
        }
    }
}
