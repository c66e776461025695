import TallyCore
import TallyMemory

extension ConformanceStore {
    /// Both stores in memory: what every other pair of drivers is held against.
    public static let memory: ConformanceFactory = {
        let clock = ManualClock()
        let queue = MemoryQueue(clock: clock.reading)
        let ledger = MemoryLedger()
        return ConformanceStore(
            queue: queue, ledger: ledger, clock: clock,
            close: {
                await queue.store.close()
                await ledger.close()
            })
    }
}
