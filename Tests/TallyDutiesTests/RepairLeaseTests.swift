import TallyCore
import TallyPostgres
import TestSupport
import Testing

@testable import TallyDuties
@testable import Tallystick

/// More than a page.
private let count = Limits.comparison + 700

@Suite(.serialized) struct `A run of the reconciler` {
    /// A run that lasts longer than the lease to repair, and rests between its pages.
    private func options(_ mode: Reconciler.Mode) -> ReconcileOptions {
        var options = ReconcileOptions(mode)
        options.pace = Pace(jobs: 1000)
        return options
    }

    /// A run that has compared its first page and rests.
    private func begun(_ halves: Halves, _ options: ReconcileOptions) async throws
        -> Task<ReconcileRun, any Error>
    {
        let page = Gate()
        var options = options
        options.progress = { _, _ in page.open() }
        let reconciler = try Reconciler(queue: halves.queue, ledger: halves.ledger, mirror: halves.mirror)
        let task = Task { [options] in try await reconciler.run(options).run }
        await page.wait()
        return task
    }

    private func row(_ halves: Halves) async throws -> (error: String, exit: Int64) {
        let rows = try await halves.sql(
            """
            SELECT coalesce(r.error, ''), r.exit_code::bigint FROM SCHEMA.reconcile_runs r
            ORDER BY r.started_at DESC LIMIT 1
            """)
        guard case .text(let error)? = rows.first?[0], case .int(let exit)? = rows.first?[1] else {
            return ("no row", -1)
        }
        return (error, exit)
    }

    @Test func `holds its lease for as long as it lasts, and then gives it back [P3]`() async throws {
        try await Halves.with(jobs: count) { halves, ids in
            try await halves.run("UPDATE JOBS SET version = version + 3, floor = version + 3", ids[count - 1])
            let wish = LeaseWish(
                name: LeaseWish.reconcile, token: JobID(), holder: "other", length: .seconds(60))
            let run = try await begun(halves, options(.repair))
            // It has ended, and its row says so, before anybody else gets the lease.
            while try await halves.ledger.lease(wish) != .held(isWanted: false) {}
            let last = try await row(halves)
            #expect(last.error.isEmpty && last.exit == 1)
            #expect(try await run.value.repaired == 1)
            #expect(try await halves.ledger.lease(wish) == .held(isWanted: false))
        }
    }

    @Test func `of tally serve gives way to one by hand, which then runs [P3]`() async throws {
        try await Halves.with(jobs: count) { halves, _ in
            let round = try await begun(halves, options(.serve))
            var byHand = ReconcileOptions(.repair)
            byHand.patience = Limits.repairPatience
            let run = try await halves.reconcile(byHand).run
            #expect(run.exitCode == 0 && run.isFull)
            await #expect(throws: RepairLease.GaveWay.self) { try await round.value }
            let rows = try await halves.sql(
                "SELECT r.error FROM SCHEMA.reconcile_runs r WHERE r.mode = 'serve' AND r.exit_code = 8")
            #expect(rows.count == 1)
        }
    }

    @Test func `that is cancelled, or loses its lease, leaves its row and the reason [P3]`() async throws {
        try await Halves.with(jobs: count) { halves, _ in
            let cancelled = try await begun(halves, options(.repair))
            #expect(try await row(halves).error.contains("has not ended"))  // what a kill leaves
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            let first = try await row(halves)
            #expect(first.error == "was cancelled" && first.exit == 8)

            let robbed = try await begun(halves, options(.repair))
            try await halves.sql(
                "UPDATE SCHEMA.reconciler_lease SET token = gen_random_uuid(), holder = 'other'")
            await #expect(throws: HeldLease.Lost.self) { try await robbed.value }
            let last = try await row(halves)
            #expect(last.error.contains("was lost") && last.exit == 8)
            // The other's lease stays.
            #expect(try await halves.sql("SELECT 1::bigint FROM SCHEMA.reconciler_lease").count == 1)
        }
    }

    @Test func `changes nothing in the ledger under a lease that it lost without noticing [P3]`() async throws
    {
        try await Halves.with { halves in
            try await halves.sql(
                """
                INSERT INTO SCHEMA.workers (id, status, last_seen, job_types)
                VALUES ('w', 'running', '2026-01-01T00:00:00Z', '[]')
                """)
            let seen = try #require(try await halves.ledger.workers().first?.lastSeen)
            func lose(_ token: JobID) async -> LedgerError? {
                await caught(LedgerError.self) {
                    try await RepairFence.$token.withValue(token) {
                        try await halves.ledger.loseWorker(WorkerID("w"), lastSeen: seen, actor: "test")
                    }
                }
            }
            let (stale, holder) = (JobID(), JobID())
            let wish = LeaseWish(
                name: LeaseWish.reconcile, token: holder, holder: "h", length: .seconds(60))
            _ = try await halves.ledger.lease(wish)
            #expect(await lose(stale)?.detail.contains("somebody else's") == true)
            #expect(try await halves.ledger.workers().first?.beat.status == .running)
            #expect(await lose(holder) == nil)
            #expect(
                try await halves.sql("SELECT 1::bigint FROM SCHEMA.workers WHERE status = 'lost'").count == 1)
        }
    }
}
