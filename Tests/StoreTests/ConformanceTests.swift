import TallyTesting
import Testing

/// One after another: each has a namespace and a schema of its own, on servers with a bounded number of connections.
@Suite(.serialized) struct `Redis and Postgres together` {
    @Test(arguments: Conformance.cases)
    func `keep every promise of the conformance kit [J1, J2, I1, J11]`(_ promise: ConformanceCase)
        async throws
    {
        try await promise.run(on: Servers.conformanceStore)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `answer like the memory stores, whatever the stream of verbs [J5]`(_ seed: UInt64) async throws {
        let store = try await Servers.conformanceStore()
        do {
            try await ModelRun(seed: seed, steps: 12_500).run(against: store)
        } catch {
            try await store.close()
            throw error
        }
        try await store.close()
    }
}
