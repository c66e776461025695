import TallyAdmin
import TallyCore
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties

/// Memory stores: what a report says of passes that end as they should not.
@Suite struct `The report of a run` {
    /// Shard 1 is emptied; the ledger has all of it.
    private func emptied(_ s: Shards) -> (FaultyQueue, ShardedQueue) {
        let empty = FaultyQueue(MemoryQueue(epoch: 2, part: ShardPart(Shard(1), of: s.map)))
        return (empty, ShardedQueue([s.queues[0].store, empty.store, s.queues[2].store]))
    }

    @Test func `keeps what a pass had found and mended before it was cut off, and names the row of each`()
        async throws
    {
        let s = Shards(3)
        try await s.fill()
        let (empty, queue) = emptied(s)
        let pages = Journal<Int>()
        var options = ReconcileOptions(.repair)
        options.progress = { what, count in
            guard what == "rows of the ledger" else { return }
            pages.append(count)
            if pages.count == 2 { empty.setOutage(.unavailable) }
        }

        let report = try await Admin(queue: queue, ledger: s.ledger.store).reconcile(options)

        #expect(report.run.findings.map(\.code) == ["D01"] && report.run.repaired == 1)
        #expect(report.exitCode == 8 && !report.holds && report.unread == [Shard(1)])
        #expect(report.run.error?.hasPrefix("shard 1: ") == true)
        let kept = try s.ledger.reconcileRuns().map(\.id)
        #expect(kept.count == 4 && Set(report.ends.compactMap(\.run?.id)) == Set(kept))
        let runs = try #require(report.json["runs"] as? [[String: Any]])
        #expect(runs.map { $0["shard"] as? Int } == [0, 1, 2, nil])
        #expect(runs.map { $0["exit"] as? Int } == [0, 8, 0, 0])
        #expect(Set(runs.compactMap { $0["run"] as? String }) == Set(kept.map(\.description)))
        #expect(report.json["run"] as? String == runs[0]["run"] as? String)
    }

    @Test func `names no row where no pass was free to begin`() async throws {
        let s = Shards(3)
        try await s.fill()
        let wish = LeaseWish(
            name: LeaseWish.reconcile, token: JobID(), holder: "other", length: .seconds(600))
        #expect(try await s.ledger.lease(wish) == .held(isWanted: false))

        let report = try await s.admin.reconcile(ReconcileOptions(.repair))

        #expect(report.exitCode == 8 && report.unread.count == 3 && !report.run.isFull)
        #expect(report.json["run"] as? String == "")
        #expect((report.json["runs"] as? [[String: Any]])?.isEmpty == true)
        #expect(try s.ledger.reconcileRuns().isEmpty)
    }

    @Test func `does not hold where what the ledger has once could not be looked at`() async throws {
        let s = Shards(3)
        try await s.fill()
        var ledger = s.ledger.store
        ledger.partitions = Away()

        let report = try await Admin(queue: s.sharded, ledger: ledger).reconcile(ReconcileOptions(.dry))

        #expect(report.statement?.holds == true && report.run.findings.isEmpty && report.unread.isEmpty)
        #expect(!report.holds && report.json["holds"] as? Bool == false && report.exitCode == 8)
        #expect(report.run.error?.hasPrefix("the ledger: ") == true)
    }

    private struct Away: LedgerPartitions {
        private var away: LedgerError { LedgerError(.unavailable, "partitions", "away") }

        func missingPartitions(months: Int) async throws(LedgerError) -> [String] { throw away }
        func makePartitions(months: Int) async throws(LedgerError) -> Int { throw away }
        func filledDefaults(upTo limit: Int) async throws(LedgerError) -> [(table: String, rows: Int)] {
            throw away
        }
        func splitDefault(_ table: String) async throws(LedgerError) -> String? { throw away }
    }

    @Test(arguments: [1, 3])
    func `keeps the runs where the totals cannot be read after them`(_ count: Int) async throws {
        let s = Shards(count)
        try await s.fill()
        let ledger = FaultyLedger(s.ledger)
        // A dry run asks once, as it looks at them.
        ledger.inject(.refuse(.unavailable), on: .balances, at: 2)

        let report = try await Admin(queue: s.sharded, ledger: ledger.store).reconcile(ReconcileOptions(.dry))

        #expect(report.statement == nil && report.run.isFull && report.unread.isEmpty)
        #expect(report.exitCode == 8 && !report.holds)
        #expect(report.run.error?.hasPrefix("the ledger: its totals could not be read: ") == true)
    }

    @Test func `is of no success where the end of a run could not be recorded`() async throws {
        let s = Shards(1)
        try await s.fill()
        let ledger = FaultyLedger(s.ledger)
        ledger.inject(.refuse(.unavailable), on: .recordRun, at: 2)
        let reconciler = try Reconciler(queue: s.queues[0], ledger: ledger, mirror: s.mirror(0))

        await #expect(throws: LedgerError.self) { try await reconciler.run(.dry) }

        let run = try #require(try s.ledger.reconcileRuns().last)
        #expect(run.exitCode == 8 && run.error?.isEmpty == false && !run.isFull)
    }
}
