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

        /// What PREPARE does not take: they begin, part and end transactions, lock, copy, or are the migrator's.
        private static let others: Set<String> = [
            "mirror/copy_events", "mirror/copy_jobs", "mirror/lock_jobs", "schema/create", "schema/drop",
            "schema/reader_search_path", "transaction/begin", "transaction/begin_snapshot",
            "transaction/commit", "transaction/fall_back", "transaction/release", "transaction/rollback",
            "transaction/savepoint",
        ]

        @Test func `are taken by psql as they stand`() async throws {
            try await withDatabase(schema: "tally") { configuration, _ in
                _ = try await Migrator(configuration).apply()
                var script = "\\i sql/psql.sql\n"
                for name in Self.names where !Self.others.contains(name) {
                    let file = try String(
                        contentsOf: Self.folder.appending(path: "sql/\(name).sql"), encoding: .utf8)
                    script += "PREPARE \"\(name)\" AS \(file);\n"
                }
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

        @Test func `name one schema in every text, without the header`() {
            let files = [
                "one": "-- tally.\nSELECT :a FROM tally.tally", "two": "SELECT 'tally', \"tally_r\"",
            ]
            let folder = SQLFolder(fragments: ["a": ["two"]]) { files[$0] }

            for schema in ["tally_2", "x"] {
                let statements = Statements(schema: schema, of: folder, ["one", "two"])
                let two = "SELECT '\(schema)', \"\(schema)_r\""
                #expect(statements["two"] == two)
                #expect(statements["one"] == "SELECT \(two) FROM \"\(schema)\".tally")
            }
        }

        @Test func `leave psql's casts and unknown tokens alone, and fill each fragment in once`() {
            let folder = SQLFolder(fragments: ["a": ["one", "two"], "ab": ["two"]]) { name in
                ["one": "-- of one\nx.tally_a", "two": "-- of two\ny"][name]
            }
            let text = "-- header\nSELECT :a, :ab, n::a, :c FROM tally.a, \"tally_b\", 'tally'"
            #expect(
                folder.adapted(text, schema: "tally_2")
                    == "-- header\nSELECT x.tally_a, y, y, n::a, :c FROM \"tally_2\".a, "
                    + "\"tally_2_b\", 'tally_2'")
        }
    }
}
