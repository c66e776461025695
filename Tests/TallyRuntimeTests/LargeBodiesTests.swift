import Synchronization
import TallyCore
import TallyDuties
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyRuntime

private let large = [UInt8](repeating: 0x31, count: 600 << 10)

/// A ledger beneath that notes how many bytes came at once.
@Suite struct `Large bodies and results` {
    @Test func `share a commit only as far as its bytes allow`() async throws {
        let rig = Rig()
        let client = rig.client()
        let gate = Gate()
        rig.recording.hold(at: gate)

        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<40 {
                group.addTask { try await client.enqueue(JobRecord(type: "t", body: large)) }
            }
            await client.lanes[0].untilWaited(40)
            gate.open()
            try await group.waitForAll()
        }
        await client.drain()

        #expect(rig.recording.mostBytes <= Limits.recordFlushBytes)
        #expect(rig.ledger.count(of: .record) >= 40 * large.count / Limits.recordFlushBytes)
        #expect(try await rig.memory.counts().map(\.pending) == [40])
    }

    @Test func `recorded together are pushed in as many calls as they need`() async throws {
        let rig = Rig()
        let client = rig.client()

        _ = try await client.enqueue(contentsOf: (0..<6).map { _ in JobRecord(type: "t", body: large) })
        await client.drain()

        #expect(rig.queue.count(of: .push) == 6)
        #expect(try await rig.memory.counts().map(\.pending) == [6])
    }

    @Test func `are relayed in as many calls as they need`() async throws {
        let rig = Rig()
        _ = try await rig.ledger.record((0..<6).map { _ in JobRecord(type: "t", body: large) })

        #expect(try await Relay(queue: rig.queue, ledger: rig.ledger).step(olderThan: .zero) == 1)

        #expect(rig.queue.count(of: .push) == 6)
    }

    @Test func `that end at once are acked in as many calls as they need`() async throws {
        let rig = Rig()
        var ids: [JobID] = []
        for _ in 0..<8 { ids.append(try await rig.push().id) }
        let together = Gate()
        let started = Atomic(0)
        let handler = JobHandler("t") { context in
            if started.add(1, ordering: .relaxed).newValue == 8 { together.open() }
            await together.wait()
            try context.complete(with: String(repeating: "1", count: large.count))
        }

        try await running(rig.worker(WorkerConfiguration(concurrency: 8), handler)) {
            for id in ids { try await rig.eventuallyEnded(id, .completed) }
        }

        #expect(rig.queue.count(of: .settle) == 8)
    }

    @Test func `are mirrored so many bytes a transaction, and nothing is left out`() async throws {
        let memory = MemoryQueue()
        let ledger = MemoryLedger()
        for _ in 0..<40 {
            _ = try await memory.push([Push(JobRecord(type: "t", body: large))], issued: nil)
        }
        let mirror = Mirror(queue: memory, ledger: ledger)
        var steps: [Int] = []
        while true {
            let count = try await mirror.step()
            if count == 0 { break }
            steps.append(count)
        }

        #expect(steps.allSatisfy { $0 <= Limits.mirrorBatchBytes / large.count + 1 })
        #expect(try await ledger.balances().accepted == 40)
    }
}
