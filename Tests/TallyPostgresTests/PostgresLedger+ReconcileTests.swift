import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite(.serialized) struct ReconcileTests {
        @Test func `a recount goes page by page and sees one moment`() async throws {
            try await withLedger { fixture in
                for _ in 0..<7 { _ = try await fixture.ledger.record([job()]) }
                for page in [1, 3, 7, 100] {
                    let totals = try await fixture.ledger.recount(page: page)
                    #expect(totals.kept.accepted == totals.counted.accepted, "pages of \(page)")
                }
                _ = try await fixture.query("UPDATE tally.balances SET accepted = accepted + 5")
                #expect(try await fixture.ledger.correctBalances(actor: "test"))
                #expect(try await fixture.ledger.correctBalances(actor: "test") == false)
            }
        }

        @Test func `a reconciler run is written once, with its findings`() async throws {
            try await withLedger { fixture in
                let now = Timestamp.now
                let finding = ReconcileRun.Finding(
                    code: "D01", job: JobID(), queueView: "none", ledgerView: "pending", outcome: "repaired")
                let run = ReconcileRun(
                    id: JobID(), startedAt: now, finishedAt: now, mode: "repair", epoch: 1, seq: 2,
                    scannedQueue: 3,
                    scannedLedger: 4, inconclusive: 0, findings: [finding, finding], exitCode: 1)

                try await fixture.ledger.record(run: run)
                try await fixture.ledger.record(run: run)

                #expect(try await fixture.count("SELECT count(*) FROM tally.reconcile_runs") == 1)
                #expect(try await fixture.count("SELECT count(*) FROM tally.reconcile_findings") == 2)
            }
        }

        @Test
        func `of a run with many findings each statement writes a bounded number, and a repeat none [P3]`()
            async throws
        {
            try await withLedger { fixture in
                let count = Limits.findingsPerCall + 20
                let findings = (0..<count).map { number in
                    ReconcileRun.Finding(
                        code: "D01", job: JobID(), queueView: "none", ledgerView: "pending", outcome: "found",
                        detail: "\(number + 1)")
                }
                let now = Timestamp.now
                let run = ReconcileRun(
                    id: JobID(), startedAt: now, finishedAt: now, mode: "dry", epoch: 1, seq: 2,
                    scannedQueue: 0, scannedLedger: 0, inconclusive: 0, findings: findings, exitCode: 4)

                try await fixture.ledger.record(run: run)
                try await fixture.ledger.record(run: run)

                let table = "tally.reconcile_findings"
                #expect(
                    try await fixture.count("SELECT count(*) FROM \(table) f WHERE f.detail = f.number::text")
                        == Int64(count))
                // One transaction; `cmin` tells its statements apart.
                #expect(try await fixture.count("SELECT count(DISTINCT f.xmin::text) FROM \(table) f") == 1)
                let most = try await fixture.count(
                    "SELECT max(s.n) FROM (SELECT count(*) n FROM \(table) f GROUP BY f.cmin::text) s")
                #expect(most == Int64(Limits.findingsPerCall))
                let sums = "SELECT found FROM tally.reconcile_runs"
                #expect(try await fixture.count("SELECT s.found::bigint FROM (\(sums)) s") == Int64(count))
            }
        }

        @Test func `what the last run left is told, the worst first, and nothing of an earlier one`()
            async throws
        {
            try await withLedger { fixture in
                func run(_ ago: Duration, _ findings: [ReconcileRun.Finding]) async throws {
                    let began = Timestamp.now - ago
                    let run = ReconcileRun(
                        id: JobID(), startedAt: began, finishedAt: began, mode: "dry", epoch: 1, seq: 1,
                        scannedQueue: 0, scannedLedger: 0, inconclusive: 0, findings: findings, exitCode: 4)
                    try await fixture.ledger.record(run: run)
                }
                func finding(_ code: String, _ outcome: String, _ severity: String) -> ReconcileRun.Finding {
                    ReconcileRun.Finding(
                        code: code, job: nil, queueView: "", ledgerView: "", outcome: outcome,
                        severity: severity, detail: "why")
                }
                try await run(.seconds(600), [finding("D01", "found", "H")])
                try await run(
                    .seconds(60),
                    [
                        finding("D20", "found", "L"), finding("D04", "needs_operator", "H"),
                        finding("D05", "repaired", "H"),
                    ])

                let left = try await fixture.ledger.findingsLeft(limit: 9)

                #expect(left.map(\.finding.code) == ["D04", "D20"])
                #expect(left.first?.finding.detail == "why" && left.first?.finding.job == nil)
                #expect(try await fixture.ledger.findingsLeft(limit: 1).count == 1)
            }
        }
    }
}
