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
}
