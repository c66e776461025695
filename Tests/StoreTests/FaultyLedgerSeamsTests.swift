import TallyCore
import TallyPostgres
import TallyTesting
import TestSupport
import Testing

/// The ledger that fails on command, over one that has every seam.
@Suite struct `A faulty ledger over Postgres` {
    /// One call meets the fault and says so, the next goes through.
    private func failsOnce(
        _ ledger: FaultyLedger, at call: FaultyLedger.Call, _ body: () async throws -> Void
    ) async throws {
        let before = ledger.count(of: call)
        ledger.inject(.refuse(.transient), on: call)

        let error = await caught(LedgerError.self) { try await body() }

        #expect(error == LedgerError(.transient, call.rawValue, "injected"), "\(call)")
        try await body()
        #expect(ledger.count(of: call) == before + 2, "\(call)")
    }

    @Test func `fails at each of the seams that a ledger may lack`() async throws {
        try await withScratch { scratch in
            let ledger = FaultyLedger(scratch.ledger)
            let store = ledger.store
            #expect(store.transactions != nil)
            let repair = try #require(store.repair)
            let leases = try #require(store.leases)
            let duties = try #require(store.duties)
            let keyHomes = try #require(store.keyHomes)
            let partitions = try #require(store.partitions)
            let pruning = try #require(store.pruning)
            let purging = try #require(store.purging)
            let lines = try #require(store.lines)
            let replaying = try #require(store.replaying)
            let pairing = try #require(store.pairing)
            let layout = try #require(store.recordLayout)

            try await failsOnce(ledger, at: .sweeps) { _ = try await repair.lastFullRun() }
            try await failsOnce(ledger, at: .mend) { _ = try await repair.freeKeys(limit: 1) }
            try await failsOnce(ledger, at: .leases) { try await leases.endLease("none", token: JobID()) }
            try await failsOnce(ledger, at: .duties) { _ = try await duties.duties() }
            try await failsOnce(ledger, at: .keyHomes) {
                _ = try await keyHomes.keyHomes(after: nil, limit: 1)
            }
            try await failsOnce(ledger, at: .partitions) {
                _ = try await partitions.missingPartitions(months: 1)
            }
            try await failsOnce(ledger, at: .pruning) { _ = try await pruning.prune(limit: 1) }
            try await failsOnce(ledger, at: .purge) {
                _ = try await purging.purge([JobID(): 1], before: .now, actor: "test")
            }
            try await failsOnce(ledger, at: .lines) { _ = try await lines.lines(JobID()) }
            try await failsOnce(ledger, at: .replay) { _ = try await replaying.statuses(of: "true") }
            try await failsOnce(ledger, at: .pairing) { _ = try await pairing.identity() }
            try await failsOnce(ledger, at: .recordLayout) { _ = try await layout.recordLayout() }
        }
    }

    @Test func `loses the answer to a change that took place`() async throws {
        try await withScratch { scratch in
            let ledger = FaultyLedger(scratch.ledger)
            let repair = try #require(ledger.store.repair)
            ledger.inject(.dropReply, on: .mend)

            let error = await caught(LedgerError.self) {
                try await repair.moveSweepCursor(.ledger(after: .zero), of: .whole)
            }

            #expect(error?.code == .uncertain)
            #expect(try await repair.sweepCursor(of: .whole) == SweepCursor.ledger(after: .zero))
        }
    }
}
