import Foundation
import TallyPostgresClient
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite(.serialized) struct `The statements` {
        private static let names =
            Statement.allCases.map(\.rawValue) + ClientStatement.allCases.map(\.rawValue)
        private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()

        /// What PREPARE does not take: they begin, part and end transactions, lock, or are the migrator's. In an order
        /// in which one session can run them on a ledger that is migrated.
        private static let others = [
            "schema/reader_search_path", "transaction/begin", "mirror/lock_jobs", "lab/drill/lock",
            "transaction/savepoint", "transaction/fall_back", "transaction/release", "transaction/commit",
            "transaction/begin_snapshot", "transaction/rollback", "lab/bench/copy_table",
            "lab/bench/drop_copy_table",
        ]
        /// The program sends these a stream of bytes, and the last two change the whole server.
        private static let unlike = [
            "mirror/copy_events", "mirror/copy_jobs", "lab/bench/copy_limit", "lab/drill/read_only",
            "lab/drill/read_write",
        ]

        private static func file(_ name: String) throws -> String {
            try String(contentsOf: folder.appending(path: "sql/\(name).sql"), encoding: .utf8)
        }

        /// The lab's statements, by their names below `sql`.
        private static func ofTheLab() throws -> [String] {
            let lab = folder.appending(path: "sql/lab").path
            return try #require(FileManager.default.enumerator(atPath: lab))
                .compactMap { $0 as? String }.filter { $0.hasSuffix(".sql") }
                .map { "lab/" + $0.dropLast(4) }.sorted()
        }

        @Test func `are taken by psql as they stand`() async throws {
            try await withDatabase(schema: "tally") { configuration, _ in
                _ = try await Migrator(configuration).apply()
                let rest = Set(Self.others + Self.unlike + ["schema/create", "schema/drop"])
                var script = "\\i sql/psql.sql\n"
                for name in try Self.names + Self.ofTheLab() where !rest.contains(name) {
                    script += "PREPARE \"\(name)\" AS " + (try Self.file(name)) + ";\n"
                }
                #expect(try await psql(configuration.url, script) == "")
            }
        }

        /// Each migration and each way back is a transaction, as it is for the migrator.
        @Test func `that PREPARE does not take run in psql as they stand, as migrations do`()
            async throws
        {
            try await withDatabase(schema: "tally") { configuration, _ in
                let steps = try MigrationSet.embedded().migrations.map(\.name)
                // Notices of what goes with what is dropped are no complaints, and nobody reads the rows.
                var script = "SET client_min_messages = warning;\n\\o /dev/null\n"
                script += try Self.file("schema/create")
                for step in steps {
                    script += "BEGIN;\n" + (try Self.file("migrations/\(step)")) + ";\nCOMMIT;\n"
                }
                for name in Self.others { script += try Self.file(name) + ";\n" }
                for step in steps.reversed() {
                    script += "BEGIN;\n" + (try Self.file("undo/\(step)")) + ";\nCOMMIT;\n"
                }
                script += try Self.file("schema/drop")
                #expect(try await psql(configuration.url, script) == "")
            }
        }

        /// What psql complains of. It is waited for on a thread beside: the few that tasks run on belong to the leases
        /// of the tests beside this one.
        private func psql(_ url: String, _ script: String) async throws -> String {
            try await withCheckedThrowingContinuation { caller in
                Thread { caller.resume(with: Result { try Self.run(url, script) }) }.start()
            }
        }

        private static func run(_ url: String, _ script: String) throws -> String {
            let psql = Process()
            psql.executableURL = URL(filePath: "/usr/bin/env")
            psql.arguments = ["psql", "--no-psqlrc", "--quiet", url]
            psql.currentDirectoryURL = folder
            let (input, errors) = (Pipe(), Pipe())
            psql.standardInput = input
            psql.standardError = errors
            try psql.run()
            try input.fileHandleForWriting.write(contentsOf: Data(script.utf8))
            try input.fileHandleForWriting.close()
            let text = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
            psql.waitUntilExit()
            return text
        }
    }
}
