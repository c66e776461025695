import Foundation
import Synchronization
import TallyCommandLine
import Tallystick
import TallyTesting

/// Enqueues until told to stop, and writes down what it was told. Some calls whose answer was lost are repeated with
/// the same ids, some are left unknown.
final class Producers: Sendable {
    private let stage: DrillStage
    let history: ClientHistory
    private let isStopped = Atomic(false)
    private let ended = Atomic(0)
    /// Those that were noted already.
    private let refusals = Mutex(Set<String>())
    /// Texts that may stand in no log.
    static let canary = "canary-4f1c9e"

    init(_ stage: DrillStage) throws {
        self.stage = stage
        history = try ClientHistory("\(stage.folder)/history")
    }

    /// Calls that go on when `stop` comes are ended first.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.watchBacklog() }
            for client in 0..<3 { group.addTask { await self.produce(client) } }
            group.addTask { await self.produceOthers() }
            try await group.waitForAll()
        }
    }

    func stop() { isStopped.store(true, ordering: .sequentiallyConsistent) }
    private var goesOn: Bool { !isStopped.load(ordering: .sequentiallyConsistent) && !Task.isCancelled }

    private func rest(_ time: Duration) async {
        try? await Task.sleep(for: time)  // cancelled: the loops look at that themselves
    }

    /// Ended jobs by the ledger's own totals; unreachable = as before.
    private func watchBacklog() async {
        while goesOn {
            // away for now: the last figure holds
            if let balances = try? await stage.ledger.balances() {
                ended.store(
                    balances.completed + balances.failed + balances.cancelled,
                    ordering: .sequentiallyConsistent)
            }
            await rest(.milliseconds(200))
        }
    }

    private func produce(_ client: Int) async {
        var random = SplitMix64(seed: stage.plan.seed &* 31 &+ UInt64(client))
        while goesOn {
            if history.acknowledged - ended.load(ordering: .sequentiallyConsistent) > stage.plan.backlog {
                await rest(.milliseconds(10))
                continue
            }
            await enqueue(DrillBatch(base: DrillBatch.base(), count: 400, kind: .mixed), random.chance(50))
        }
    }

    /// The rarer kinds, a few a second.
    private func produceOthers() async {
        var random = SplitMix64(seed: stage.plan.seed &* 37 &+ 5)
        while goesOn {
            await rest(.milliseconds(150))
            switch random.next() % 4 {
            case 0: await cancelOne()
            case 1:
                let key = "key-\(random.next() % 5)"
                await enqueue(
                    DrillBatch(base: DrillBatch.base(), count: 1, kind: .unique), true, unique: UniqueKey(key)
                )
            case 2: await duplicate()
            default:
                var batch = DrillBatch(base: DrillBatch.base(), count: 20, kind: .plain)
                batch.runAt = Timestamp.now + .milliseconds(Int(500 + random.next() % 2500))
                await enqueue(batch, true)
            }
        }
    }

    /// Two callers with the same ids at once: one set of jobs.
    private func duplicate() async {
        let batch = DrillBatch(base: DrillBatch.base(), count: 20, kind: .plain)
        let index = history.invoke(batch)
        let records = records(batch, nil)
        async let first = attempt(records)
        async let second = attempt(records)
        let outcomes = await [first, second]
        history.end(index, outcomes.contains(.ok) ? .ok : outcomes.contains(.info) ? .info : .fail)
    }

    private func cancelOne() async {
        var batch = DrillBatch(base: DrillBatch.base(), count: 1, kind: .cancelled)
        batch.runAt = Timestamp.now + .seconds(6)
        let index = history.invoke(batch)
        let outcome = await attempt(records(batch, nil))
        history.end(index, outcome)
        guard outcome == .ok else { return }
        // any failure: nothing was acknowledged
        if case .cancelled? = try? await stage.tally.cancel(batch.base) { history.cancelled(index) }
    }

    /// One call to its end. With `repeating`, until the answer is known.
    @discardableResult
    func enqueue(
        _ batch: DrillBatch, _ repeating: Bool, unique: UniqueKey? = nil,
        change: ((inout JobRecord, Int) -> Void)? = nil
    ) async -> DrillBatch.Outcome {
        let index = history.invoke(batch)
        var records = records(batch, unique)
        if let change { for place in records.indices { change(&records[place], place) } }
        var wasUncertain = false
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let outcome = await attempt(records)
            if outcome == .info { wasUncertain = true }
            let isKnown = outcome == .ok || outcome == .fail && !wasUncertain && !goesOn
            if isKnown || !repeating && outcome == .info || ContinuousClock.now > deadline || Task.isCancelled
            {
                let final = outcome == .fail && wasUncertain ? .info : outcome
                history.end(index, final)
                return final
            }
            await rest(.milliseconds(50))
        }
    }

    private func records(_ batch: DrillBatch, _ unique: UniqueKey?) -> [JobRecord] {
        // A batch is a call, which mode queued sends to one shard. A key is unique in its queue.
        let shards = stage.plan.shards
        let choice = unique.map { XXH64.hash(Array($0.text.utf8)) } ?? batch.base.low >> 20
        let queue = DrillJobs.queue(on: Int(choice % UInt64(shards)), of: shards)
        return (0..<batch.count).map { place in
            let type = batch.type(place)
            var text = "{\"n\":\(place),\"c\":\"\(Self.canary)\"}"
            if type == DrillJobs.slow || type == DrillJobs.fenced {
                // One in eight outlives its first lease.
                let isLong = place % 200 == 11 && batch.base.low >> 10 % 4 == 0
                let time =
                    isLong ? Int(stage.plan.lease.seconds * 1500) : 100 + Int(batch.base.low >> 12 % 400)
                text = "{\"ms\":\(time)}"
            }
            return JobRecord(
                id: batch.id(place), type: type, queue: queue, body: Array(text.utf8),
                runAt: batch.runAt,
                maxAttempts: 25, maxCrashes: 250, unique: unique)
        }
    }

    private func attempt(_ records: [JobRecord]) async -> DrillBatch.Outcome {
        do {
            let receipts = try await stage.tally.client.enqueue(contentsOf: records)
            // Another holds the unique key: nothing of ours was stored.
            return receipts.allSatisfy({ receipt in records.contains { $0.id == receipt.id } }) ? .ok : .fail
        } catch {
            switch error {
            case .uncertain, .damaged: return .info
            case .idConflict, .invalid, .refused, .keysElsewhere, .layoutNotRaised, .acrossShards:
                if refusals.withLock({ $0.insert("\(error)").inserted }) {
                    Output.note("drill: an enqueue was refused: \(error)")
                }
                return .fail
            case .unavailable, .full, .cancelled, .closed: return .fail
            }
        }
    }
}
