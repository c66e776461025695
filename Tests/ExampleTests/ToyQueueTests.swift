import DriverSample
import TallyTesting
import Testing

@Suite struct `A queue in dictionaries, written by the page on drivers,` {
    @Test(arguments: Conformance.cases)
    func `keeps every promise of the kit [J10]`(_ promise: ConformanceCase) async throws {
        try await promise.run(on: {
            let clock = ManualClock()
            let queue = ToyQueue(clock: clock.reading)
            return ConformanceStore(
                queue: queue, ledger: MemoryLedger(), clock: clock,
                close: { await queue.store.close() })
        })
    }

    @Test func `lacks the seams that the page leaves out, and no other`() {
        let clock = ManualClock()
        let store = ConformanceStore(
            queue: ToyQueue(clock: clock.reading), ledger: MemoryLedger(), clock: clock)

        let lacking = Set(Conformance.cases.flatMap { $0.lacking(in: store) })

        #expect(lacking == [.types, .changes, .recordLayout])
    }
}
