import TallyAdmin
import TallyCore
import TallyMemory
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties

@Suite struct `A shard that is away` {
    @Test func `holds up no job of the others, in any step from the enqueue to the ledger`() async throws {
        let s = Shards()
        let client = s.client(.recorded)
        s.queues[1].setOutage(.unavailable)
        let jobs = (0..<10).map { s.record(on: $0 % 2) }
        for job in jobs { try await client.enqueue(job) }
        await client.drain()
        #expect(try await s.ledger.balances().accepted == 10)

        let taken = try await s.reserve(10).jobs
        #expect(taken.count == 5)
        _ = try await s.sharded.leasing.settle(taken.map { .ack($0.lease) })
        while try await s.mirror(0).step() > 0 {}
        #expect(try await s.ledger.balances().completed == 5)
        await #expect(throws: QueueError.self) {
            try await Relay(queue: s.queues[1], ledger: s.ledger).step(olderThan: .zero)
        }
        #expect(try await Relay(queue: s.queues[0], ledger: s.ledger).step(olderThan: .zero) == 0)
        #expect(try await s.ledger.balances().outbox == 5)

        s.queues[1].setOutage(nil)
        _ = try await Relay(queue: s.queues[1], ledger: s.ledger).step(olderThan: .zero)
        try await eventually("the shard is asked again") {
            let late = try await s.reserve(10).jobs
            _ = try await s.sharded.leasing.settle(late.map { .ack($0.lease) })
            try await s.mirrorAll()
            return try await s.ledger.balances().completed == 10
        }
    }

    @Test func `is told once, and again only after it was back`() async throws {
        let told = Journal<String>()
        let s = Shards(observer: Told(told))
        s.queues[1].setOutage(.unavailable)
        for _ in 0..<20 { _ = try await s.reserve(1) }
        #expect(told.all == ["reserve from shard 1"])
    }

    @Test(arguments: [QueueError.Code.unavailable, .wrongServer])
    func `hides no job of the others from who looks for it or cancels it`(_ code: QueueError.Code)
        async throws
    {
        let s = Shards()
        let job = s.record(on: 1)
        try await s.client().enqueue(job)
        s.queues[0].setOutage(code)
        #expect(try await s.sharded.held(job.id)?.record.id == job.id)
        // One that nobody who answers holds may be there.
        await #expect(throws: QueueError.self) { try await s.sharded.held(JobID()) }
        let stats = try await s.admin.stats()
        #expect(stats.away.map(\.part.shard) == [Shard(0)] && stats.queues.map(\.pending) == [1])
        let workers = try await s.admin.workers()
        #expect(workers.judged.count == 2)
        let canceller = Canceller(queue: s.sharded, ledger: nil)
        #expect(try await canceller.cancel(job.id) == .cancelled)
    }

    @Test func `or hangs is named by a cancellation that needs another, and keeps none waiting`()
        async throws
    {
        let s = Shards()
        try await s.fill()
        let ids = try await s.sharded.shards[0].inspectable().scan("", limit: 9).ids
        let id = try #require(ids.first)
        let gate = Gate()
        var store = s.queues[1].store
        store.control = Hung(gate: gate)
        let canceller = Canceller(queue: ShardedQueue([s.queues[0].store, store]), ledger: s.ledger)

        let report = try await canceller.report(id)

        // It was asked: what it has not said is not that the job goes on.
        #expect(report.outcome == .cancelled && report.unread.isEmpty && report.unanswered == [Shard(1)])
        #expect(report.json(id)["unread_shards"] as? [Int] == [])
        #expect(report.json(id)["unanswered_shards"] as? [Int] == [1] && !report.isWhole)
        gate.open()
        for code in [QueueError.Code.unavailable, .uncertain] {
            s.queues[1].setOutage(code)
            let again = try await Canceller(queue: s.sharded, ledger: s.ledger).report(id)
            let isLost = code == .uncertain
            #expect(again.outcome == .cancelled && !again.isWhole)
            #expect(again.unread == (isLost ? [] : [Shard(1)]))
            #expect(again.unanswered == (isLost ? [Shard(1)] : []))
        }
    }

    @Test func `is named where it has the job itself, beside those that heard of the cancellation`()
        async throws
    {
        let s = Shards()
        try await s.fill()
        let ids = try await s.sharded.shards[0].inspectable().scan("", limit: 9).ids
        let id = try #require(ids.first)
        let other = JobRecord(id: id, type: "t", queue: s.name(1))
        #expect(try await s.queues[1].push([Push(other)], issued: nil) == [.pushed])
        s.queues[0].setOutage(.unavailable)

        let report = try await Canceller(queue: s.sharded, ledger: s.ledger).report(id)

        guard case .uncertain = report.outcome else {
            Issue.record("\(report)")
            return
        }
        #expect(report.unread == [Shard(0)] && report.unanswered.isEmpty)
        #expect(report.shards.map(\.shard) == [Shard(1)] && report.shards.first?.outcome == .cancelled)
    }

    @Test(arguments: [QueueError.Code.wrongServer, .damaged, .full, .unavailable])
    func `or cannot be used hides nothing of what a cancellation has done on the others, its own or not`(
        _ code: QueueError.Code
    ) async throws {
        let s = Shards()
        let first = s.record(on: 1)
        let jobs = [JobRecord(id: first.id, type: "t", queue: s.name(0)), first]
        try await s.client().enqueue(jobs[1])
        try await s.mirrorAll()  // the row is of shard 1
        try await s.client().enqueue(jobs[0])
        s.queues[1].setOutage(code)

        let report = try await Canceller(queue: s.sharded, ledger: s.ledger).report(first.id)

        guard case .uncertain(let why) = report.outcome else {
            Issue.record("\(report)")
            return
        }
        #expect(why.contains(code.rawValue) && report.shards.map(\.shard) == [Shard(0)])
        #expect(report.shards.first?.outcome == .cancelled)
        #expect(try await s.memory[0].inspect([first.id]).held.isEmpty)
        // A function that broke off may have written a part.
        #expect(report.unanswered == (code == .damaged ? [Shard(1)] : []))
        #expect(report.unread == (code == .damaged ? [] : [Shard(1)]))
        // Of an id that no shard knows, too, with and without a ledger.
        for ledger in [s.ledger, nil] {
            let none = try await Canceller(queue: s.sharded, ledger: ledger).report(JobID())
            guard case .uncertain = none.outcome else {
                Issue.record("\(none)")
                return
            }
            #expect(none.shards.isEmpty && none.unread + none.unanswered == [Shard(1)])
        }
    }

    /// Answers nothing until the gate is opened.
    private struct Hung: QueueControl {
        let gate: Gate

        func cancel(_ id: JobID, tombstone: (version: Int, issued: Issued)?) async throws(QueueError)
            -> CancelAnswer
        {
            await gate.wait()
            return .unknown
        }
        func cancelWaiting(
            _ ids: [JobID], tombstones: [JobID: Int], issued: Issued?
        ) async throws(QueueError) -> [CancelWaitingAnswer] { ids.map { _ in .unknown } }
        func pause(_ queue: QueueName, _ paused: Bool) async throws(QueueError) {}
        func promote(_ limit: Int) async throws(QueueError) -> Int { 0 }
        func reclaim(_ limit: Int) async throws(QueueError) -> Int { 0 }
    }

    @Test func `throws what it says only where no other can be asked`() async throws {
        let s = Shards()
        for queue in s.queues { queue.setOutage(.unavailable) }
        await #expect(throws: QueueError.self) { try await s.reserve(1) }
        await #expect(throws: QueueError.self) { try await s.reserve(1, [s.name(1)]) }
    }

    private struct Told: JobObserver {
        let told: Journal<String>
        init(_ told: Journal<String>) { self.told = told }
        func dutyFailed(_ duty: String, _ error: any Error) { told.append(duty) }
    }
}

@Suite struct `What belongs to one shard` {
    @Test func `is refused by another: jobs, positions, pushes, cancellations`() async throws {
        let s = Shards()
        let foreign = Push(s.record(on: 1))
        await #expect(throws: QueueError.self) { try await s.memory[0].push([foreign], issued: nil) }
        await #expect(throws: QueueError.self) {
            try await s.memory[0].log(after: .start(of: Shard(1)), limit: 1)
        }
        let issued = try await s.memory[1].stamp()
        let own = Push(s.record(on: 0), version: 1, runAt: nil, attempts: 0)
        #expect(try await s.memory[0].push([own], issued: issued) == [.refused])
        #expect(try await s.memory[0].cancel(JobID(), tombstone: (1, issued)) == .refused)
        let push = QueueRepair.Action.push(foreign)
        await #expect(throws: QueueError.self) {
            try await s.memory[0].repair(
                QueueRepair(id: foreign.record.id, epoch: 1, expected: .absent, action: push, code: "D01"))
        }
    }

    @Test func `is its epoch: a new one holds back the leases of no other, and rebuilds only its own`()
        async throws
    {
        let s = Shards()
        let client = s.client(.recorded)
        for shard in [0, 1, 0, 1] { try await client.enqueue(s.record(on: shard)) }
        await client.drain()
        try await s.mirrorAll()
        try s.memory[1].startEpoch()

        let taken = try await s.reserve(9)
        #expect(taken.isHeld && taken.jobs.map(\.lease.shard) == [.first, .first])
        let reconciler = try Reconciler(queue: s.queues[1], ledger: s.ledger, mirror: s.mirror(1))
        #expect(try await reconciler.openIfHeld() == 0)
        #expect(try await s.reserve(9).jobs.map(\.lease.shard) == [Shard(1), Shard(1)])
        for shard in 0..<2 { #expect(try await s.reconcile(shard).findings.isEmpty) }
    }

    /// Both walk all rows, and a row of the other shard is absent here: that is no drift.
    @Test func `is compared and mended there, and nowhere else`() async throws {
        let s = Shards()
        let client = s.client(.recorded)
        let jobs = (0..<8).map { s.record(on: $0 % 2) }
        _ = try await client.enqueue(contentsOf: jobs)
        await client.drain()
        try await s.mirrorAll()
        // Shard 1 is emptied; the ledger has all of it.
        let map = s.map
        let empty = MemoryQueue(epoch: 2, part: ShardPart(Shard(1), of: map))
        let repaired = try await Reconciler(
            queue: empty, ledger: s.ledger, mirror: Mirror(queue: empty, ledger: s.ledger)
        ).run(.repair).run
        #expect(repaired.findings.map(\.code) == Array(repeating: "D01", count: 4))
        #expect(repaired.repaired == 4)
        let held = try await empty.inspect(jobs.map(\.id)).held
        #expect(Set(held.keys) == Set(jobs.filter { map.shard(of: $0.queue) == Shard(1) }.map(\.id)))
        #expect(try await s.reconcile(0).findings.isEmpty)
    }

    @Test func `is found where it does not belong, and left for a person [D37]`() async throws {
        let s = Shards()
        // A driver that knows no shards has put it there.
        let plain = MemoryQueue()
        var store = plain.store
        store.part = ShardPart(.first, of: s.map)
        let stray = s.record(on: 1)
        _ = try await plain.push([Push(s.record(on: 0)), Push(stray)], issued: nil)
        for mode in [Reconciler.Mode.dry, .repair] {
            let run = try await Reconciler(
                queue: store, ledger: s.ledger, mirror: Mirror(queue: store, ledger: s.ledger)
            ).run(mode).run
            #expect(run.findings.map(\.code) == ["D37"] && run.findings.first?.job == stray.id)
            #expect(run.findings.first?.outcome == "needs_operator" && run.exitCode == 4)
        }
    }

    @Test func `is a job whose id is one on another too: it is named, and its row mends nothing [D38]`()
        async throws
    {
        let s = Shards()
        let first = s.record(on: 0)
        let second = JobRecord(id: first.id, type: "t", queue: s.name(1))
        for job in [first, second] { try await s.client().enqueue(job) }
        try await s.mirrorAll()
        // The row says that it has ended; the second job has not.
        let lease = try #require(try await s.reserve(1, [s.name(0)]).jobs.first).lease
        _ = try await s.sharded.leasing.settle(.ack(lease))
        try await s.mirrorAll()
        for mode in [Reconciler.Mode.dry, .repair] {
            let run = try await s.reconcile(1, mode)
            #expect(run.findings.map(\.code) == ["D38"] && run.findings.first?.outcome == "needs_operator")
            #expect(run.findings.first?.detail.contains("queue \(s.name(0))") == true && run.exitCode == 4)
        }
        #expect(try await s.memory[1].inspect([first.id]).held[first.id]?.status == .pending)
        #expect(try await s.reconcile(0).findings.isEmpty)
    }

    @Test func `is served by duties of its own, that bear its number`() throws {
        let s = Shards()
        let names = try Serve(queue: s.sharded, ledger: s.ledger).duties
        for name in ["mirror", "relay", "open epoch", "sweep", "free keys", "watch Redis"] {
            #expect(names.contains("\(name)/0") && names.contains("\(name)/1") && !names.contains(name))
        }
        #expect(names.count { $0 == "reconcile" } == 1)
        let alone = try Serve(queue: MemoryQueue(), ledger: s.ledger).duties
        #expect(alone.contains("mirror") && alone.allSatisfy { !$0.contains("/") })
    }
}

@Suite struct `A worker of queues on two shards` {
    @Test func `runs the jobs of both and goes on with one of them away`() async throws {
        let s = Shards()
        let ran = Journal<JobID>()
        let handler = JobHandler("t") { ran.append($0.id) }
        let worker = Worker(
            queue: s.sharded, handlers: [handler],
            configuration: WorkerConfiguration(queues: [s.name(0), s.name(1)], concurrency: 4))
        let running = Task { try await worker.run() }
        for shard in [0, 1, 0, 1] { try await s.client().enqueue(s.record(on: shard)) }
        try await eventually("both shards' jobs ran") { ran.count == 4 }

        s.queues[1].setOutage(.unavailable)
        for _ in 0..<5 { try await s.client().enqueue(s.record(on: 0)) }
        try await eventually("one shard's jobs ran") { ran.count == 9 }
        s.queues[1].setOutage(nil)
        try await s.client().enqueue(s.record(on: 1))
        try await eventually("the other is back") { ran.count == 10 }

        await worker.drain()
        _ = await running.result
        try await s.mirrorAll()
        #expect(try await s.ledger.balances().completed == 10)
        let row = try #require(try await s.ledger.workers().first)
        #expect(row.beat.status == .stopped)
    }

    @Test func `takes from each by its weight, whichever shard it lives on [F10]`() async throws {
        let s = Shards()
        // Two of three queues live on one shard, and the first of those is empty.
        let (empty, often, seldom) = (s.name(0), s.name(1), s.name(0, 1))
        for queue in [often, seldom] {
            for _ in 0..<4 {
                let records = (0..<500).map { _ in JobRecord(type: "t", queue: queue) }
                _ = try await s.client().enqueue(contentsOf: records)
            }
        }
        let ran = Journal<QueueName>()
        let configuration = WorkerConfiguration(
            queues: [empty, often, seldom], weights: [empty: 9, often: 3], concurrency: 4)
        let worker = Worker(
            queue: s.sharded, handlers: [JobHandler("t") { ran.append($0.queue) }],
            configuration: configuration)

        let running = Task { try await worker.run() }
        try await eventually("enough have run") { ran.count >= 2000 }
        running.cancel()
        _ = await running.result

        let first = ran.all.prefix(2000)
        let ratio = Double(first.count { $0 == often }) / Double(first.count { $0 == seldom })
        #expect(ratio > 2.7 && ratio < 3.3)
    }
}
