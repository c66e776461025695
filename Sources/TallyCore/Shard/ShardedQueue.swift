/// What opens the live half, on one server or on several.
public protocol ShardedDriver: Sendable {
    /// Its shards. Each use asks for them once.
    var sharded: ShardedQueue { get }
}

extension QueueDriver {
    /// The only shard.
    public var sharded: ShardedQueue { ShardedQueue(store) }
}

/// The live half: one store a shard, and what goes across them.
///
/// Only leasing does: a worker may name queues of several shards. Whatever else there is stands on one shard: a job
/// by its queue, a position by its log, a push by the epoch that it was decided in. So it is asked of that shard, and
/// there is no log and no stamp of the whole that could be taken for one. Where there is one shard, its own seams
/// are used, and nothing stands between.
public struct ShardedQueue: Sendable, ShardedDriver {
    /// Which shard a queue lives on.
    public let map: ShardMap
    /// In the order of their numbers.
    public let shards: [QueueStore]
    /// What workers do with jobs, whichever shards these are on.
    public let leasing: any Leasing

    /// The only shard.
    public init(_ store: QueueStore) {
        precondition(store.part.isWhole, "\(store.part): the others are missing")
        map = ShardMap()
        shards = [store]
        leasing = store.leasing
    }

    /// All shards.
    ///
    /// - Parameter stores: each made for its part, in the order of their numbers.
    /// - Parameter observer: is told which shard cannot be asked for jobs.
    public init(_ stores: [QueueStore], observer: any JobObserver = SilentObserver()) {
        let map = ShardMap(count: stores.count)
        precondition(
            stores.map(\.part) == map.shards.map { ShardPart($0, of: map) },
            "each shard is made for its place among them")
        self.map = map
        shards = stores
        leasing =
            stores.count == 1 ? stores[0].leasing : ShardedLeasing(stores, map: map, observer: observer)
    }

    /// The shard that a queue lives on.
    public func shard(of queue: QueueName) -> QueueStore { shards[Int(map.shard(of: queue).number)] }
    /// A shard by its number.
    public subscript(_ shard: Shard) -> QueueStore { shards[Int(shard.number)] }

    /// Itself.
    public var sharded: ShardedQueue { self }

    /// New calls fail with `.closed` from now on; running ones end first. May be repeated.
    public func close() async {
        await withTaskGroup(of: Void.self) { group in
            for shard in shards { group.addTask { await shard.close() } }
        }
    }
}
