import Foundation
import TallyCore
import TallyPostgres
import Testing

@testable import Tallystick

extension `The README's` {
    @Test func `dashboard asks nothing that the ledger cannot answer`() async throws {
        try await withHalves { scratch, _ in
            _ = try await scratch.ledger.record([JobRecord(type: "invoice.send", queue: "mail")])
            let session = try await PostgresSession.open(
                PostgresConfiguration(
                    url: scratch.settings.postgresURL ?? "", schema: scratch.settings.namespace))
            for (title, sql) in try panels() {
                // As the dashboard sends it, but for the schema of this test.
                let own = sql.split(separator: "tally.", omittingEmptySubsequences: false)
                    .joined(separator: "\"\(scratch.settings.namespace)\".")
                await #expect(throws: Never.self, "\(title)") {
                    _ = try await session.query("SELECT count(*)::bigint FROM (\(own)) AS panel")
                }
            }
            await session.close()
        }
    }

    private func panels() throws -> [(title: String, sql: String)] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let data = try Data(contentsOf: root.appendingPathComponent("dashboards/ledger.json"))
        let dashboard = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let panels = try #require(dashboard["panels"] as? [[String: Any]])
        return try panels.flatMap { panel in
            try #require(panel["targets"] as? [[String: Any]]).map { target in
                (panel["title"] as? String ?? "", try #require(target["rawSql"] as? String))
            }
        }
    }
}
