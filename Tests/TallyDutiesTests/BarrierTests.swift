import TallyCore
import TallyTesting
import Testing

@testable import TallyDuties

@Suite struct `The barrier` {
    @Test func `passes once the ledger has the log, and mirrors itself where nobody does`() async throws {
        let pair = Pair()
        _ = try await pair.work(3)
        let end = try await pair.memory.history().end

        #expect(try await Barrier(ledger: pair.ledger, mirror: pair.mirror).pass(end))
        #expect(try await pair.ledger.cursor() >= end)
    }

    @Test func `is inconclusive when the ledger does not follow in time`() async throws {
        let pair = Pair()
        let far = LogPosition(epoch: 1, seq: 1000)

        #expect(
            try await !Barrier(ledger: pair.ledger, mirror: pair.mirror).pass(far, within: .milliseconds(50)))
    }

    @Test func `never passes while the ledger cannot be written`() async throws {
        let pair = Pair()
        _ = try await pair.work(1)
        pair.ledger.inject(.refuse(.unavailable), on: .apply, times: 1000)
        let end = try await pair.memory.history().end

        // The store's error, or inconclusive where the time ran out between two tries.
        let passed = try? await Barrier(ledger: pair.ledger, mirror: pair.mirror).pass(
            end, within: .milliseconds(50))

        #expect(passed != true)
        #expect(try await pair.ledger.cursor() < end)
    }
}
