import TallyCore

/// What a worker needs of one shard: its leases are extended and settled there on their own, so that a shard that
/// hangs costs the leases of no other.
struct WorkerShard: Sendable {
    let shard: Shard
    let queue: any Leasing
    let lane: SettleLane
    private let part: ShardPart

    private init(_ store: QueueStore, observer: any JobObserver) {
        part = store.part
        shard = store.part.shard
        queue = store.leasing
        lane = SettleLane(queue: store.leasing, observer: observer)
    }

    /// Those that these queues live on; the first where none is named, which says so itself.
    static func all(
        of queue: ShardedQueue, for names: [QueueName], observer: any JobObserver
    ) -> [WorkerShard] {
        let wanted = Set(names.map(queue.map.shard(of:)))
        let stores = queue.shards.filter { wanted.contains($0.part.shard) }
        return (stores.isEmpty ? [queue.shards[0]] : stores).map { WorkerShard($0, observer: observer) }
    }

    func name(_ name: String) -> String { part.name(name) }
}

extension Worker {
    /// Where a lease is settled. It was given on one of them.
    func lane(of lease: Lease) -> SettleLane {
        (shards.first { $0.shard == lease.shard } ?? shards[0]).lane
    }
}
