import TallyCore
import TallyMemory

extension ConformanceStore {
    /// Both stores in memory: what every other pair of drivers is held against.
    public static let memory: ConformanceFactory = { memory(shards: 1) }

    /// The same, with the queue spread over several shards.
    public static func memory(shards: Int) -> ConformanceStore {
        let clock = ManualClock()
        let map = ShardMap(count: shards)
        let queue = ShardedQueue(
            map.shards.map { MemoryQueue(clock: clock.reading, part: ShardPart($0, of: map)).store })
        let ledger = MemoryLedger()
        return ConformanceStore(
            queue: queue, ledger: ledger, clock: clock,
            close: {
                await queue.close()
                await ledger.close()
            })
    }
}
