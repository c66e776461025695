import TallyTesting
import TestSupport
import Testing

/// One after another: each has a namespace and a schema of its own, on servers with a bounded number of connections.
@Suite(.serialized) struct `Redis and Postgres together` {
    @Test(arguments: Conformance.cases)
    func `keep every promise of the conformance kit [J1, J2, I1, J11]`(_ promise: ConformanceCase)
        async throws
    {
        #expect(try await promise.run(on: freshStores) == .kept)
    }
}

/// These are few and long, so they run beside one another: at the end of a run one of them would hold up everything.
@Suite struct `Redis and Postgres in a stream of verbs` {
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `answer like the memory stores, whatever the stream of verbs [J5]`(_ seed: UInt64) async throws {
        let store = try await freshStores()
        do {
            try await ModelRun(seed: seed, steps: 12_500).run(against: store)
        } catch {
            try await store.close()
            throw error
        }
        try await store.close()
    }
}

/// Redis and Postgres as the conformance kit wants them, used by logins of the least rights.
@Sendable private func freshStores() async throws -> ConformanceStore {
    let clock = ManualClock()
    let scratch = try await LimitedScratch.open(clock: clock)
    return ConformanceStore(
        queue: scratch.queue, ledger: scratch.ledger, clock: clock, close: { try await scratch.remove() })
}
