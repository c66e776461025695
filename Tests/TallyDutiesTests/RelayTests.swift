import TallyCore
import TallyDuties
import TallyTesting
import TestSupport
import Testing

@Suite struct `The relay` {
    @Test func `waits while the epoch is held, and delivers once it is open [P4]`() async throws {
        let pair = Pair()
        let record = JobRecord(type: "t")
        _ = try await pair.ledger.record([record])
        let relay = Relay(queue: pair.queue, ledger: pair.ledger)
        let epoch = try pair.memory.startEpoch()

        #expect(try await relay.step(olderThan: .zero) == 0)
        #expect(pair.queue.count(of: .push) == 0 && pair.ledger.count(of: .relay) == 0)
        try await pair.memory.open(epoch: epoch)

        #expect(try await relay.step(olderThan: .zero) == 1)
        #expect(try await pair.memory.inspect([record.id]).held[record.id] != nil)
    }

    @Test func `keeps the row when the queue fails, and its next pass delivers [P4]`() async throws {
        for fault in [FaultyQueue.Fault.refuse(.unavailable), .refuse(.full), .dropReply] {
            let pair = Pair()
            let record = JobRecord(type: "t")
            _ = try await pair.ledger.record([record])
            let relay = Relay(queue: pair.queue, ledger: pair.ledger)
            pair.queue.inject(fault, on: .push)

            await #expect(throws: LedgerError.self) { try await relay.step(olderThan: .zero) }

            #expect(try await relay.step(olderThan: .zero) == 1)
            #expect(try await pair.memory.counts().map(\.pending) == [1])
        }
    }

    @Test func `leaves young rows to the client that wrote them`() async throws {
        let pair = Pair()
        _ = try await pair.ledger.record([JobRecord(type: "t")])

        #expect(try await Relay(queue: pair.queue, ledger: pair.ledger).step() == 0)
    }
}
