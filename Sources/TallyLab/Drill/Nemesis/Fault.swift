import Foundation
import TallyRedis
import TallyTesting
import Tallystick

/// One fault of the schedule, drawn from the seed: what, at whom, when within its wave, how long.
struct Fault: Sendable {
    /// What was seen of it: the proxy's counts, a pid that lived, the server's own answer.
    struct Evidence: Sendable {
        var isEffective: Bool
        var text: String
        init(_ isEffective: Bool, _ text: String) {
            self.isEffective = isEffective
            self.text = text
        }
    }

    var kind: String
    var target: String
    /// Two faults of a wave never claim the same thing.
    var claims: Set<String>
    /// After the wave's begin.
    var offset: Duration = .zero
    var length: Duration
    /// Does the harm, waits, and undoes it. Blocking: it has a thread of its own.
    var act: @Sendable (FaultSite, Duration) throws -> Evidence
}

/// A kind of fault: which, and how a seed chooses its target and length.
struct FaultKind: Sendable {
    let name: String
    /// Of reliability.md 3.3.
    let catalogue: String
    /// Redis forgets what it had acknowledged: only where the ledger holds it all, or where the loss is measured.
    var losesRedisData = false
    /// How often it is in the deck.
    var weight = 1
    /// nil = not in this plan.
    let draw: @Sendable (inout SplitMix64, DrillPlan) -> Fault?

    init(
        _ name: String, _ catalogue: String, losesRedisData: Bool = false, weight: Int = 1,
        _ draw: @escaping @Sendable (inout SplitMix64, DrillPlan) -> Fault?
    ) {
        self.name = name
        self.catalogue = catalogue
        self.losesRedisData = losesRedisData
        self.weight = weight
        self.draw = draw
    }

    static let all: [FaultKind] =
        processes + links + stores + redisData + limits + jobs

    static func allowed(_ plan: DrillPlan) -> [FaultKind] {
        if !plan.kinds.isEmpty { return all.filter { plan.kinds.contains($0.name) } }
        if plan.isPowerCut { return all.filter { $0.name == "redis-tail-cut" } }
        return all.filter { !$0.losesRedisData || plan.survivesRedisLoss }
    }
}

extension SplitMix64 {
    mutating func pick<Item>(_ items: [Item]) -> Item { items[Int(next() % UInt64(items.count))] }
    mutating func milliseconds(_ range: ClosedRange<Int>) -> Duration {
        .milliseconds(range.lowerBound + Int(next() % UInt64(range.count)))
    }
}

/// What a fault may use.
struct FaultSite: Sendable {
    let stage: DrillStage
    let producers: Producers
    let isStopping: @Sendable () -> Bool
    /// Whose Redis is meant.
    var shard: Int16 = 0
    var redis: DrillRedis { stage.servers.redises[Int(shard)] }
    /// Of the queue that has work there.
    var wakeKey: String {
        RedisKey.wake.of(
            "tally", DrillJobs.queue(on: Int(shard), of: stage.plan.shards).text, shard: shard)
    }

    func on(_ shard: Int) -> FaultSite {
        var site = self
        site.shard = Int16(shard)
        return site
    }

    /// Sleeps; ends early when the run is broken off.
    func hold(_ time: Duration) {
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end, !isStopping() { usleep(10_000) }
    }

    /// Looks until it is so; false when the time ran out.
    func wait(upTo time: Duration, _ isSo: () -> Bool) -> Bool {
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end, !isStopping() {
            if isSo() { return true }
            usleep(10_000)
        }
        return isSo()
    }

    /// Runs a task to its end; this thread is the fault's own.
    func blocking<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let box = ResultBox<Value>()
        let done = DispatchSemaphore(value: 0)
        Task.detached {
            do { box.set(.success(try await body())) } catch { box.set(.failure(error)) }
            done.signal()
        }
        done.wait()
        return try box.get()
    }
}
