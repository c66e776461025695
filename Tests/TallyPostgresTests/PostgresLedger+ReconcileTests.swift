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
    }
}
