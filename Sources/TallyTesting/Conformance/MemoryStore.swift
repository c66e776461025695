import TallyCore
import TallyMemory

extension ConformanceStore {
    /// Both stores in memory: what every other pair of drivers is held against.
    public static let memory: ConformanceFactory = {
        let queue = MemoryQueue()
        let ledger = MemoryLedger()
        return ConformanceStore(
            queue: queue, ledger: ledger,
            close: {
                await queue.close()
                await ledger.close()
            })
    }
}
