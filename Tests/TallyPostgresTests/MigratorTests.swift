import Foundation
import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite(.serialized) struct MigratorTests {
        @Test func `sixteen migrators at once apply every migration exactly once [I6]`() async throws {
            let configuration = try newConfiguration()
            try await withSchema(configuration) { session in
                let applied = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<16 { group.addTask { try await Migrator(configuration).apply().count } }
                    return try await group.reduce(0, +)
                }

                #expect(applied == (try MigrationSet.embedded().migrations.count))
                try await Migrator(configuration).verify()
                #expect(try await Migrator(configuration).apply().isEmpty)
            }
        }

        /// `tally_` begins the names of roles in the scripts.
        @Test(arguments: ["tally_2", "tally_"])
        func `a schema whose name begins as ours do is its own [I6]`(_ name: String) async throws {
            let own = name + "_" + String(UInt64.random(in: 0 ... .max), radix: 36)
            let configuration = try newConfiguration(schema: own)
            try await withSchema(configuration) { session in
                _ = try await Migrator(configuration).apply()

                try await Migrator(configuration).verify()
                let ledger = try await PostgresLedger.open(configuration)
                #expect(try await ledger.balances().accepted == 0)
                await ledger.close()
            }
        }

        @Test func `a waiting migrator outlives the short timeouts of its role [I6]`() async throws {
            let configuration = try newConfiguration()
            try await withSchema(configuration) { session in
                try await session.begin()
                _ = try await session.query(Statements(schema: configuration.schema)[.lockSchema])
                var short = configuration
                let mark = configuration.url.contains("?") ? "&" : "?"
                short = try PostgresConfiguration(
                    url: configuration.url + mark
                        + "options=-c%20lock_timeout%3D100%20-c%20statement_timeout%3D200",
                    schema: configuration.schema)
                let waiting = short

                async let applied = Migrator(waiting).apply()
                // Until it has waited for this session's lock for thrice the longer of its timeouts.
                var failure: (any Error)?
                do {
                    try await until {
                        try await session.query(
                            """
                            SELECT count(*) FROM pg_locks
                            WHERE NOT granted AND waitstart < clock_timestamp() - interval '600 milliseconds'
                              AND pg_backend_pid() = ANY (pg_blocking_pids(pid))
                            """) != [[.int(0)]]
                    }
                } catch {
                    failure = error
                }
                try await session.rollback()
                if let failure { throw failure }

                #expect(try await applied.count == MigrationSet.embedded().migrations.count)
            }
        }

        @Test func `verify names what is missing and changes nothing [I7]`() async throws {
            let configuration = try newConfiguration()
            try await withSchema(configuration) { session in
                let error = await ledgerError { try await Migrator(configuration).verify() }

                #expect(error?.code == .schema)
                let names = try MigrationSet.embedded().migrations.map(\.name).joined(separator: ", ")
                #expect(error?.detail.contains(names) == true)
                #expect(error?.detail.contains("tally migrate") == true)
                #expect(
                    try await Migrator(configuration).dryRun().contains(
                        "CREATE TABLE \"\(configuration.schema)\".jobs"))
                let schemas = try await session.query(
                    "SELECT 1::bigint FROM pg_namespace WHERE nspname = $1", [.text(configuration.schema)])
                #expect(schemas.isEmpty)
            }
        }

        @Test func `a malformed name, a gap, a repeat and an empty set are refused [I7]`() async throws {
            let bad: [[(name: String, text: String)]] = [
                [], [("1_jobs", "SELECT 1")], [("0001-jobs", "SELECT 1")], [("0001_Jobs", "SELECT 1")],
                [("0001_jobs", " \n")], [("0002_jobs", "SELECT 1")],
                [("0001_a", "SELECT 1"), ("0001_b", "SELECT 1")],
                [("0001_a", "SELECT 1"), ("0003_b", "SELECT 1")],
            ]
            for files in bad {
                let error = await ledgerError { _ = try MigrationSet(files) }
                #expect(error?.code == .schema)
            }
        }

        @Test func `a changed text, a newer schema and a breaking one are told apart [I7, I8]`() async throws
        {
            try await withLedger { fixture in
                let next = try MigrationSet.embedded().migrations.count + 1
                _ = try await fixture.query(
                    "INSERT INTO tally.schema_migrations (version, name, checksum, breaking) VALUES (\(next), 'x', 'x', false)"
                )
                try await Migrator(fixture.configuration).verify()

                _ = try await fixture.query(
                    "UPDATE tally.schema_migrations SET breaking = true WHERE version = \(next)")
                let newer = await ledgerError { try await Migrator(fixture.configuration).verify() }
                #expect(newer?.detail.contains("newer than this program") == true)
                let open = await ledgerError { _ = try await PostgresLedger.open(fixture.configuration) }
                #expect(open?.code == .schema)

                _ = try await fixture.query("DELETE FROM tally.schema_migrations WHERE version = \(next)")
                _ = try await fixture.query(
                    "UPDATE tally.schema_migrations SET checksum = 'x' WHERE version = 1")
                let changed = await ledgerError { try await Migrator(fixture.configuration).verify() }
                #expect(changed?.detail.contains("0001_jobs") == true)
            }
        }

        @Test func `a migration that fails leaves nothing of itself [I6]`() async throws {
            let configuration = try newConfiguration()
            try await withSchema(configuration) { session in
                let set = try MigrationSet([("0001_a", "CREATE TABLE tally.a (x int); SELECT 1/0")])
                let error = await ledgerError { _ = try await Migrator(configuration, set: set).apply() }

                #expect(error?.sqlState == "22012")
                let schemas = try await session.query(
                    "SELECT 1::bigint FROM pg_namespace WHERE nspname = $1", [.text(configuration.schema)])
                #expect(schemas.isEmpty)
            }
        }

        @Test func `each undo recipe takes its migration back, and it can be applied anew [I6]`() async throws
        {
            try await withLedger { fixture in
                let migrator = try Migrator(fixture.configuration)
                let all = try MigrationSet.embedded().migrations.count
                for version in (1...all).reversed() {
                    let recipe = try #require(migrator.undoRecipe(version))
                    try await run(recipe, on: fixture)
                    #expect(try await migrator.status()[version - 1].state == .missing)
                }
                #expect(
                    try await fixture.count(
                        "SELECT count(*) FROM pg_class c WHERE relnamespace = '\"tally\"'::regnamespace AND relkind IN ('r', 'p')"
                    )
                        == 1)

                #expect(try await migrator.apply().count == all)
            }
        }

        @Test func `two ledgers in one database do not collide [I7]`() async throws {
            try await withLedger { one in
                try await withLedger { two in
                    let job = job()
                    _ = try await one.ledger.record([job])

                    #expect(try await two.ledger.jobs([job.id]).isEmpty)
                    #expect(try await two.ledger.record([job]).answers == [.recorded])
                }
            }
        }

        @Test func `every file below sql that a program runs is compiled in, and none is empty`() throws {
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appendingPathComponent("sql")
            let files = try #require(FileManager.default.enumerator(atPath: root.path))
            var count = 0
            for case let file as String in files where file.hasSuffix(".sql") {
                // The snapshot and psql's file are for people, alerts are asked by Grafana, and the lab's files are in a
                // target of its own.
                if file == "schema.sql" || file == "psql.sql" { continue }
                if file.hasPrefix("lab/") || file.hasPrefix("alerts/") { continue }
                let text = try String(contentsOf: root.appendingPathComponent(file), encoding: .utf8)
                #expect(Statements.raw(String(file.dropLast(4))) == text, "\(file)")
                count += 1
            }
            #expect(count > 40)
            for statement in Statement.allCases { #expect(Statements.raw(statement.rawValue) != nil) }
        }

        @Test func `partitions are made ahead though the default one holds rows of their month`() async throws
        {
            try await withLedger { fixture in
                let far = JobID(createdAt: .now + .seconds(150 * 86_400))
                let near = job()
                _ = try await fixture.ledger.record([near])
                _ = try await fixture.query("UPDATE tally.jobs SET id = '\(far)' WHERE id = '\(near.id)'")
                #expect(try await fixture.count("SELECT count(*) FROM tally.jobs_default") == 1)

                #expect(try await fixture.ledger.makePartitions(months: 8) == 10)
                #expect(try await fixture.ledger.makePartitions(months: 8) == 0)

                #expect(try await fixture.count("SELECT count(*) FROM tally.jobs_default") == 0)
                #expect(try await fixture.ledger.jobs([far]).count == 1)
            }
        }

        private func run(_ script: String, on fixture: Fixture) async throws {
            let pool = PostgresPool(
                fixture.configuration, statements: Statements(schema: fixture.schema), size: 1)
            try await pool.run("undo") { connection throws(LedgerError) in
                try connection.script(script, within: .seconds(20))
            }
            await pool.close()
        }
    }
}
