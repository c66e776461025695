import Foundation
import TallyPostgresClient
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite(.serialized) struct `The statements` {
        private static let names = (Statement.allCases.map(\.rawValue) + ClientStatement.allCases.map(\.rawValue))
            .sorted()
        private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()

        /// Those that PREPARE takes; the others open, end or bound transactions, copy, or are the migrator's.
        private func isPreparable(_ text: String) -> Bool {
            let first = text.split(whereSeparator: \.isWhitespace).first ?? ""
            return ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE"].contains(first)
        }

        @Test func `run in psql as they stand`() async throws {
            try await withDatabase(schema: "tally") { configuration, _ in
                _ = try await Migrator(configuration).apply()
                var script = "\\i sql/psql.sql\n"
                var count = 0
                for name in Self.names {
                    let statement = try #require(SQLFolder.ledger.statement(name, schema: "tally"))
                    guard isPreparable(statement) else { continue }
                    let file = try String(
                        contentsOf: Self.folder.appending(path: "sql/\(name).sql"), encoding: .utf8)
                    script += "PREPARE \"\(name)\" AS \(file);\n"
                    count += 1
                }
                #expect(try psql(configuration.url, script) == "")
                #expect(count > 70)
            }
        }

        /// What psql complains of.
        private func psql(_ url: String, _ script: String) throws -> String {
            let psql = Process()
            psql.executableURL = URL(filePath: "/usr/bin/env")
            psql.arguments = ["psql", "--no-psqlrc", "--quiet", url]
            psql.currentDirectoryURL = Self.folder
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
