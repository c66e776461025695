import TallyCore
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties

/// Which shard was come to longest ago, and how old a comparison is, one clock decides: those of hosts differ.
@Suite struct `The times of a run` {
    private func run(_ queue: MemoryQueue, _ ledger: LedgerStore) async throws {
        let reconciler = try Reconciler(
            queue: queue, ledger: ledger, mirror: Mirror(queue: queue, ledger: ledger))
        _ = try await reconciler.run(.dry)
    }

    @Test func `are those of the ledger's clock, whatever this machine's shows`() async throws {
        let (queue, ledger, ahead) = (MemoryQueue(), MemoryLedger(), Duration.seconds(86_400))
        let recording = SpyRecording(ledger)
        recording.setClock { .now + ahead }
        var store = ledger.store
        store.recording = recording
        let began = Timestamp.now

        try await run(queue, store)

        let kept = try #require(try ledger.reconcileRuns().last)
        #expect(kept.startedAt >= began + ahead && kept.startedAt <= kept.finishedAt)
        #expect(kept.finishedAt <= .now + ahead + .seconds(1))
    }

    @Test func `are this machine's where the ledger tells none`() async throws {
        let (queue, ledger) = (MemoryQueue(), MemoryLedger())
        let faulty = FaultyLedger(ledger)
        faulty.inject(.refuse(.unavailable), on: .clock, times: 2)
        let began = Timestamp.now

        try await run(queue, faulty.store)

        #expect(faulty.count(of: .clock) == 2)
        let kept = try #require(try ledger.reconcileRuns().last)
        #expect(kept.startedAt >= began && kept.startedAt <= kept.finishedAt)
    }
}
