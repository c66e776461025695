import TallyAdmin
import TallyCore
import TallyMemory
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties

/// Memory stores of several shards that can fail, each on its own.
struct Shards: Sendable {
    let map: ShardMap
    let memory: [MemoryQueue]
    let queues: [FaultyQueue]
    let ledger: MemoryLedger
    let sharded: ShardedQueue

    init(
        _ count: Int = 2, ledger: MemoryLedger = MemoryLedger(),
        observer: any JobObserver = SilentObserver()
    ) {
        let map = ShardMap(count: count)
        self.map = map
        self.ledger = ledger
        memory = map.shards.map { MemoryQueue(part: ShardPart($0, of: map)) }
        queues = memory.map { FaultyQueue($0) }
        sharded = ShardedQueue(queues.map(\.store), observer: observer)
    }

    /// A queue of that shard.
    func name(_ shard: Int, _ number: Int = 0) -> QueueName {
        let names = (0...).lazy.map { QueueName("queue-\($0)") }
            .filter { map.shard(of: $0) == Shard(shard) }
        return Array(names.prefix(number + 1))[number]
    }
    func record(on shard: Int, _ text: String = "{}") -> JobRecord {
        JobRecord(type: "t", queue: name(shard), body: Array(text.utf8))
    }
    func client(_ mode: Durability = .queued) -> JobClient {
        JobClient(queue: sharded, ledger: ledger, durability: mode)
    }
    var admin: Admin { Admin(queue: sharded, ledger: ledger.store) }
    func mirror(_ shard: Int) -> Mirror { Mirror(queue: queues[shard], ledger: ledger) }
    func mirrorAll() async throws {
        for shard in queues.indices { while try await mirror(shard).step() > 0 {} }
    }
    func reserve(_ limit: Int, _ names: [QueueName]? = nil) async throws -> Reservation {
        try await sharded.leasing.reserve(
            ReserveWish(names ?? queues.indices.map { name($0) }, limit: limit, worker: WorkerID("w")))
    }
    /// So many jobs of the first shard that have failed for good; the ledger knows it.
    func fail(_ count: Int) async throws {
        for job in (0..<count).map({ _ in record(on: 0) }) { try await client().enqueue(job) }
        let leases = try await reserve(count).jobs.map(\.lease)
        _ = try await sharded.leasing.settle(leases.map { .fail($0, attempts: 3, error: "x") })
        try await mirrorAll()
    }
    func reconcile(_ shard: Int, _ mode: Reconciler.Mode = .dry) async throws -> ReconcileRun {
        try await Reconciler(queue: queues[shard], ledger: ledger, mirror: mirror(shard)).run(mode).run
    }
}
