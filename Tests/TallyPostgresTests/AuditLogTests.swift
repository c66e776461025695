import TallyCore
import TallyPostgresClient
import TestSupport
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite(.serialized) struct `The log of what operators asked for` {
        /// It is kept for ever, so what explains one job must not read all of it.
        @Test func `is read by its indexes, however long it is`() async throws {
            try await withLedger { fixture in
                for action in ["replay", "settle quarantine"] {
                    _ = try await fixture.query(
                        """
                        INSERT INTO tally.audit_log (actor, action, subject, detail)
                        SELECT 'test', '\(action)', gen_random_uuid()::text,
                          jsonb_build_object('as', gen_random_uuid())
                        FROM generate_series(1, 20000)
                        """)
                }
                _ = try await fixture.query("ANALYZE tally.audit_log")
                let statements = Statements(schema: fixture.schema)
                let asked: [(sql: String, values: [LedgerValue], indexes: [String])] = [
                    (
                        statements[.lineage], [.id(JobID()), .int(20)],
                        ["audit_log_replays", "audit_log_replayed_as"]
                    ),
                    (statements[.replayed], [.ids([JobID(), JobID()])], ["audit_log_replays"]),
                    (
                        statements[.replayMatching].replacing(":condition", with: "true"),
                        [.id(.zero), .id(JobID(high: .max, low: .max)), .int(9)], ["audit_log_replays"]
                    ),
                    (
                        statements[.unknownEvents], [.ids([JobID()]), .ints([1]), .ints([1]), .int(0)],
                        ["audit_log_settled"]
                    ),
                ]

                for (sql, values, indexes) in asked {
                    let rows = try await fixture.query("EXPLAIN \(sql)", values)
                    let plan = rows.map { "\($0)" }.joined(separator: "\n")
                    for index in indexes { #expect(plan.contains(index), "\(plan)") }
                    #expect(!plan.contains("Seq Scan on audit_log"), "\(plan)")
                }
            }
        }
    }
}
