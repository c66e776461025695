import TallyCore
import TallyPostgres
import TestSupport
import Testing

@testable import TallyDuties
@testable import Tallystick

/// More than a page.
private let count = Limits.comparison + 700

/// What `tally serve` compares again and again. One after another: they share servers.
@Suite(.serialized) struct `A round of the reconciler` {
    /// A round whose process ends after the first page of what is named so.
    private func cutOff(_ halves: Halves, in stage: String) async throws {
        var options = ReconcileOptions(.serve)
        options.progress = { what, _ in if what == stage { withUnsafeCurrentTask { $0?.cancel() } } }
        let reconciler = try Reconciler(queue: halves.queue, ledger: halves.ledger, mirror: halves.mirror)
        let round = Task { [options] in _ = try await reconciler.run(options) }
        await #expect(throws: CancellationError.self) { try await round.value }
    }

    @Test func `goes on where the last one was cut off, and once round [I13, P3]`() async throws {
        try await Halves.with(jobs: count) { halves, ids in
            try await cutOff(halves, in: "rows of the ledger")
            #expect(try await halves.ledger.sweepCursor() == .ledger(after: ids[Limits.comparison - 1]))
            for at in [3, count - 100] {
                try await halves.run("UPDATE JOBS SET version = version + 3, floor = version + 3", ids[at])
            }

            let run = try await halves.reconcile(ReconcileOptions(.serve)).run

            #expect(run.findings.map(\.job) == [ids[count - 100], ids[3]] && run.repaired == 2)
            #expect(run.scannedLedger == count && run.isFull)
            #expect(try await halves.ledger.sweepCursor() == nil)
            #expect(try await halves.reconcile(.dry).run.findings.isEmpty)
        }
    }

    @Test func `that was cut off among Redis' jobs ends with those first, then compares all [I13, P3]`()
        async throws
    {
        try await Halves.with(jobs: count) { halves, ids in
            try await cutOff(halves, in: "jobs of the queue")
            guard case .queue(let cursor)? = try await halves.ledger.sweepCursor(), cursor != "0" else {
                Issue.record("not cut off among Redis' jobs")
                return
            }
            try await halves.run("DELETE FROM JOBS", ids[7])
            let stages = Journal<String>()
            var options = ReconcileOptions(.serve)
            options.progress = { what, _ in stages.append(what) }

            let run = try await halves.reconcile(options).run

            #expect(stages.all.first == "jobs of the queue" && stages.all.contains("rows of the ledger"))
            #expect(run.findings.first { $0.code == "D02" }?.job == ids[7])
            #expect(run.isFull)
            #expect(try await halves.ledger.sweepCursor() == nil)
        }
    }

    @Test func `by hand neither asks where another was cut off, nor tells [P3]`() async throws {
        try await Halves.with(jobs: count) { halves, ids in
            try await halves.ledger.moveSweepCursor(.ledger(after: ids[600]))

            #expect(try await halves.reconcile(.repair).run.isFull)

            #expect(try await halves.ledger.sweepCursor() == .ledger(after: ids[600]))
        }
    }
}
