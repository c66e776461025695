import Foundation
import TallyCore
import TallyPostgres
import Testing

@testable import Tallystick

/// What `dashboards`, `sql/README.md` and the page on other languages ask, asked of a ledger.
extension `The README's` {
    @Test func `dashboard asks nothing that the ledger cannot answer`() async throws {
        try await withLedgerSession { session, schema in
            for (title, sql) in try panels() {
                // As the dashboard sends it, but for the schema of this test.
                await #expect(throws: Never.self, "\(title)") {
                    _ = try await session.query(
                        "SELECT count(*)::bigint FROM (\(own(sql, schema))) AS panel")
                }
            }
        }
    }

    @Test(arguments: [
        ("sql/README.md", 6), ("Sources/Tallystick/Tallystick.docc/AnyLanguage.md", 2),
    ])
    func `page on the ledger shows queries that work as they are written`(_ page: String, _ least: Int)
        async throws
    {
        try await withLedgerSession { session, schema in
            _ = try await session.query("SET search_path TO \"\(schema)\", public")
            let queries = try queries(of: page)
            #expect(queries.count >= least)
            for sql in queries {
                await #expect(throws: Never.self, "\(sql)") {
                    _ = try await session.query(
                        "SELECT count(*)::bigint FROM (\(own(sql, schema))) AS answer")
                }
            }
        }
    }

    /// A ledger with a recorded job in it, and a session beside it.
    private func withLedgerSession(_ body: (PostgresSession, String) async throws -> Void) async throws {
        try await withHalves { scratch, _ in
            let schema = scratch.settings.namespace
            _ = try await scratch.ledger.record([
                JobRecord(type: "invoice.send", queue: "mail", body: Array(#"{"order":7}"#.utf8))
            ])
            let session = try await PostgresSession.open(
                PostgresConfiguration(url: scratch.settings.postgresURL ?? "", schema: schema))
            do {
                try await body(session, schema)
                await session.close()
            } catch {
                await session.close()
                throw error
            }
        }
    }

    private func own(_ sql: String, _ schema: String) -> String {
        sql.split(separator: "tally.", omittingEmptySubsequences: false).joined(separator: "\"\(schema)\".")
    }

    private func panels() throws -> [(title: String, sql: String)] {
        let data = try Data(contentsOf: file("dashboards/ledger.json"))
        let dashboard = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let panels = try #require(dashboard["panels"] as? [[String: Any]])
        return try panels.flatMap { panel in
            try #require(panel["targets"] as? [[String: Any]]).map { target in
                (panel["title"] as? String ?? "", try #require(target["rawSql"] as? String))
            }
        }
    }

    private func queries(of page: String) throws -> [String] {
        let page = try String(contentsOf: file(page), encoding: .utf8)
        let blocks = page.components(separatedBy: "```sql\n").dropFirst()
        return blocks.flatMap { block in
            block.components(separatedBy: "```")[0].components(separatedBy: ";")
                .map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }.filter { !$0.isEmpty }
        }
    }

    private func file(_ path: String) -> URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(path)
    }
}
