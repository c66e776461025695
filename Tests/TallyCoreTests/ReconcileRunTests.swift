import Testing

@testable import TallyCore

@Suite struct `What a run of the reconciler found` {
    private func run(_ findings: [ReconcileRun.Finding]) -> ReconcileRun {
        let start = Timestamp(microseconds: 1_893_456_000_000_000)
        return ReconcileRun(
            id: JobID(), startedAt: start, finishedAt: start, mode: "repair", epoch: 1, seq: 1,
            scannedQueue: 0, scannedLedger: 0, inconclusive: 0, findings: findings, exitCode: 0)
    }

    private func finding(_ code: String, _ outcome: String) -> ReconcileRun.Finding {
        ReconcileRun.Finding(code: code, job: JobID(), queueView: "", ledgerView: "", outcome: outcome)
    }

    @Test func `is kept up to the bound of its code, and counted beyond it`() {
        let many = (0..<Limits.findings + 3).map { _ in finding("D10", "repaired") }

        let run = run(many + [finding("D12", "found"), finding("D10", "raced")])

        #expect(run.findings.count == Limits.findings + 1)
        #expect(run.further == ["D10": ["repaired": 3, "raced": 1]])
        #expect(run.repaired == Limits.findings + 3 && run.raced == 1)
        #expect(run.left == 1 && run.found == run.repaired + 1)
        #expect(run.codesLeft == ["D12"], "a code beyond the bound hides no other")
    }

    @Test func `adds up with what another found, the counted ones included`() {
        let many = (0..<Limits.findings + 2).map { _ in finding("D10", "needs_operator") }
        var sum = run([finding("D10", "repaired")])

        sum.note(findingsOf: run(many))

        #expect(sum.repaired == 1 && sum.left == Limits.findings + 2)
        #expect(sum.findings.count == Limits.findings)
        #expect(sum.further == ["D10": ["needs_operator": 3]])
        #expect(sum.codesLeft == ["D10"])
    }
}
