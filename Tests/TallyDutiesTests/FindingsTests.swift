import TallyAdmin
import TallyCore
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties

/// A lost list, or a lost Redis, is as many findings as there were jobs.
@Suite struct `The findings of a run` {
    private func finding(_ code: String, _ outcome: String) -> ReconcileRun.Finding {
        ReconcileRun.Finding(code: code, job: JobID(), queueView: "", ledgerView: "", outcome: outcome)
    }
    private var empty: ReconcileRun {
        ReconcileRun(
            id: JobID(), startedAt: .now, finishedAt: .now, mode: "dry", epoch: 1, seq: 1, scannedQueue: 0,
            scannedLedger: 0, inconclusive: 0, findings: [], exitCode: 8)
    }

    @Test func `are kept up to a bound a code, and counted beyond it by their outcome`() {
        var run = empty
        for _ in 0..<Limits.findings { run.note(finding("D09", "repaired")) }
        for outcome in ["repaired", "found", "needs_operator", "raced"] { run.note(finding("D09", outcome)) }
        run.note(finding("D21", "found"))

        #expect(run.findings.count == Limits.findings + 1 && run.findings.last?.code == "D21")
        #expect(run.repaired == Limits.findings + 1 && run.left == 3 && run.raced == 1)
        #expect(run.found == Limits.findings + 4 && run.codesLeft == ["D09", "D21"])

        var sum = run
        sum.note(findingsOf: run)
        #expect(sum.findings.count == Limits.findings + 2 && sum.found == 2 * run.found)
        #expect(sum.raced == 2 && sum.left == 6)
    }

    @Test func `are all repaired, and all count for the exit code and the statement, however many [D01, P3]`()
        async throws
    {
        let (s, count) = (Shards(1), Limits.findings + 41)
        let client = s.client(.recorded)
        _ = try await client.enqueue(contentsOf: (0..<count).map { _ in s.record(on: 0) })
        await client.drain()
        try await s.mirrorAll()
        // The Redis is emptied; the ledger has all of it.
        let queue = ShardedQueue([MemoryQueue(epoch: 2, part: ShardPart(.first, of: s.map)).store])
        let admin = Admin(queue: queue, ledger: s.ledger.store)

        let dry = try await admin.reconcile(ReconcileOptions(.dry))

        #expect(dry.run.findings.count == Limits.findings && dry.run.left == count && dry.exitCode == 4)
        #expect(dry.statement?.drift == count && dry.furtherLines == ["… and 41 more of D01"])
        #expect(dry.json["further"] as? [String: Int] == ["D01": 41] && dry.json["drift"] as? Int == count)
        #expect(try s.ledger.reconcileRuns().last?.left == count)

        var options = ReconcileOptions(.repair)
        options.maxRepairs = count
        let repaired = try await admin.reconcile(options)

        #expect(repaired.run.repaired == count && repaired.run.left == 0 && repaired.exitCode == 1)
        #expect(repaired.run.findings.count == Limits.findings)
        #expect(try await admin.reconcile(ReconcileOptions(.dry)).run.found == 0)
    }
}
