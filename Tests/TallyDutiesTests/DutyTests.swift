import TallyCore
import TallyMemory
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties

/// Memory stores that can fail.
struct Pair: Sendable {
    let memory = MemoryQueue()
    let queue: FaultyQueue
    let ledger = FaultyLedger(MemoryLedger())
    init() { queue = FaultyQueue(memory) }

    var mirror: Mirror { Mirror(queue: queue, ledger: ledger) }

    /// Pushes, leases and acks so many jobs; their ids.
    func work(_ count: Int) async throws -> [JobID] {
        let records = (0..<count).map { _ in JobRecord(type: "t") }
        _ = try await memory.push(records.map { Push($0) }, issued: nil)
        let wish = ReserveWish([.default], limit: count, worker: WorkerID("w"))
        let leases = try await memory.reserve(wish).jobs.map(\.lease)
        _ = try await memory.settle(leases.map { .ack($0) })
        return records.map(\.id)
    }

    func expectWholeHistory(of ids: [JobID]) async throws {
        for id in ids {
            #expect(try await ledger.events(id).map(\.verb) == [.push, .lease, .ack])
            #expect(try await ledger.jobs([id])[id]?.status == .completed)
        }
        #expect(try await ledger.balances().completed == ids.count)
    }
}

@Suite struct `The mirror` {
    @Test func `writes every transition once and then has nothing to do`() async throws {
        let pair = Pair()
        let ids = try await pair.work(10)
        let mirror = pair.mirror

        #expect(try await mirror.step() == 4)
        #expect(try await mirror.step() == 0)

        try await pair.expectWholeHistory(of: ids)
    }

    @Test func `that loses the answer to its commit repeats nothing`() async throws {
        let pair = Pair()
        let ids = try await pair.work(5)
        let mirror = pair.mirror
        pair.ledger.inject(.dropReply, on: .apply)

        await #expect(throws: LedgerError.self) { try await mirror.step() }
        while try await mirror.step() > 0 {}

        try await pair.expectWholeHistory(of: ids)
    }

    @Test func `that dies between its commit and its report repeats nothing`() async throws {
        let pair = Pair()
        let ids = try await pair.work(5)
        pair.queue.inject(.refuse(.unavailable), on: .report)

        await #expect(throws: QueueError.self) { try await pair.mirror.step() }
        let next = pair.mirror
        while try await next.step() > 0 {}

        try await pair.expectWholeHistory(of: ids)
    }

    @Test func `that cannot commit writes nothing and tries again`() async throws {
        let pair = Pair()
        let ids = try await pair.work(5)
        let mirror = pair.mirror
        pair.ledger.inject(.refuse(.transient), on: .apply, times: 2)

        for _ in 0..<2 { await #expect(throws: LedgerError.self) { try await mirror.step() } }
        #expect(try await pair.ledger.events(ids[0]).isEmpty)
        while try await mirror.step() > 0 {}

        try await pair.expectWholeHistory(of: ids)
    }

    @Test func `among others writes every transition once`() async throws {
        let pair = Pair()
        let mirrors = (0..<4).map { _ in pair.mirror }
        let tasks = mirrors.map { mirror in Task { try await mirror.run() } }
        var ids: [JobID] = []
        for _ in 0..<40 { ids += try await pair.work(5) }
        let end = try await pair.memory.history().end
        try await eventually("the ledger has everything") { try await pair.ledger.cursor() >= end }
        for task in tasks { task.cancel() }
        for task in tasks { _ = await task.result }

        try await pair.expectWholeHistory(of: ids)
    }

    @Test func `goes on by itself after both stores were away`() async throws {
        let pair = Pair()
        pair.queue.setOutage(.unavailable)
        pair.ledger.inject(.refuse(.unavailable), on: .apply, times: 2)
        let mirror = pair.mirror
        let task = Task { try await mirror.run() }
        let ids = try await pair.work(3)
        try await eventually("it tried") { pair.queue.count(of: .log) >= 2 }
        pair.queue.setOutage(nil)

        try await eventually("it is there") { try await pair.ledger.jobs(ids).count == 3 }

        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        try await pair.expectWholeHistory(of: ids)
    }
}

@Suite struct `The relay` {
    @Test func `waits while the epoch is held, and delivers once it is open [P4]`() async throws {
        let pair = Pair()
        let record = JobRecord(type: "t")
        _ = try await pair.ledger.record([record])
        let relay = Relay(queue: pair.queue, ledger: pair.ledger)
        let epoch = try pair.memory.startEpoch()

        #expect(try await relay.step(olderThan: .zero) == 0)
        #expect(pair.queue.count(of: .push) == 0 && pair.ledger.count(of: .relay) == 0)
        try await pair.memory.open(epoch: epoch)

        #expect(try await relay.step(olderThan: .zero) == 1)
        #expect(try await pair.memory.inspect([record.id]).held[record.id] != nil)
    }

    @Test func `keeps the row when the queue fails, and its next pass delivers [P4]`() async throws {
        for fault in [FaultyQueue.Fault.refuse(.unavailable), .refuse(.full), .dropReply] {
            let pair = Pair()
            let record = JobRecord(type: "t")
            _ = try await pair.ledger.record([record])
            let relay = Relay(queue: pair.queue, ledger: pair.ledger)
            pair.queue.inject(fault, on: .push)

            await #expect(throws: LedgerError.self) { try await relay.step(olderThan: .zero) }

            #expect(try await relay.step(olderThan: .zero) == 1)
            #expect(try await pair.memory.counts().map(\.pending) == [1])
        }
    }

    @Test func `leaves young rows to the client that wrote them`() async throws {
        let pair = Pair()
        _ = try await pair.ledger.record([JobRecord(type: "t")])

        #expect(try await Relay(queue: pair.queue, ledger: pair.ledger).step() == 0)
    }
}

@Suite struct `The barrier` {
    @Test func `passes once the ledger has the log, and mirrors itself where nobody does`() async throws {
        let pair = Pair()
        _ = try await pair.work(3)
        let end = try await pair.memory.history().end

        #expect(try await Barrier(ledger: pair.ledger, mirror: pair.mirror).pass(end))
        #expect(try await pair.ledger.cursor() >= end)
    }

    @Test func `is inconclusive when the ledger does not follow in time`() async throws {
        let pair = Pair()
        let far = LogPosition(epoch: 1, seq: 1000)

        #expect(
            try await !Barrier(ledger: pair.ledger, mirror: pair.mirror).pass(far, within: .milliseconds(50)))
    }

    @Test func `never passes while the ledger cannot be written`() async throws {
        let pair = Pair()
        _ = try await pair.work(1)
        pair.ledger.inject(.refuse(.unavailable), on: .apply, times: 1000)
        let end = try await pair.memory.history().end

        // The store's error, or inconclusive where the time ran out between two tries.
        let passed = try? await Barrier(ledger: pair.ledger, mirror: pair.mirror).pass(
            end, within: .milliseconds(50))

        #expect(passed != true)
        #expect(try await pair.ledger.cursor() < end)
    }
}

@Suite struct `The sweeper` {
    @Test func `reclaims and promotes where no worker reserves [C15]`() async throws {
        let clock = ManualClock()
        let memory = MemoryQueue(clock: clock.reading)
        let (leased, due) = (
            JobRecord(type: "t", queue: "a", createdAt: clock.now),
            JobRecord(type: "t", queue: "b", runAt: clock.now + .seconds(5), createdAt: clock.now)
        )
        _ = try await memory.push([Push(leased), Push(due)], issued: nil)
        _ = try await memory.reserve(ReserveWish(["a"], limit: 1, worker: WorkerID("w")))
        clock.advance(by: .seconds(30))

        #expect(try await Sweeper(queue: memory).step() == 2)

        let view = try await memory.inspect([leased.id, due.id])
        #expect(view.held[leased.id]?.status == .pending && view.held[leased.id]?.crashes == 1)
        #expect(view.held[due.id]?.status == .pending)
    }
}

private struct Complaints: JobObserver {
    let all = Journal<LogFills>()
    func dutyFailed(_ duty: String, _ error: any Error) {
        if let error = error as? LogFills { all.append(error) }
    }
}

@Suite struct `The watch over the log` {
    @Test func `warns from half of the budget on, and no longer once the ledger has caught up [F19]`()
        async throws
    {
        let pair = Pair()
        let complaints = Complaints()
        let watch = LogWatch(queue: pair.queue.store, observer: complaints, budget: 8)
        func fill(_ count: Int) async throws {
            for _ in 0..<count {
                _ = try await pair.memory.push([Push(JobRecord(type: "t"))], issued: nil)
            }
        }
        let begun = try await pair.memory.history().logLength
        try await fill(4 - begun)
        try await watch.step()
        #expect(complaints.all.all == [])
        try await fill(1)
        try await watch.step()
        #expect(complaints.all.all == [LogFills(length: 5, budget: 8)])
        while try await pair.mirror.step() > 0 {}
        try await watch.step()
        #expect(complaints.all.count == 1)
    }
}
