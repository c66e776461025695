import TallyAdmin
import TallyCore
import TallyMemory
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties

@Suite struct `A queue on two shards` {
    @Test func `brings the jobs of both into one ledger, whose balances add up`() async throws {
        let s = Shards()
        let jobs = (0..<20).map { s.record(on: $0 % 2) }
        for job in jobs { try await s.client().enqueue(job) }

        let taken = try await s.reserve(50).jobs
        #expect(Set(taken.map(\.record.id)) == Set(jobs.map(\.id)))
        let answers = try await s.sharded.leasing.settle(taken.map { .ack($0.lease) })
        #expect(answers.allSatisfy { $0 == .settled(.completed) })
        try await s.mirrorAll()

        let balances = try await s.ledger.balances()
        #expect(balances.accepted == 20 && balances.completed == 20 && balances.active == 0)
        for job in jobs {
            let events = try await s.ledger.events(job.id)
            #expect(events.map(\.verb) == [.push, .lease, .ack])
            #expect(Set(events.map(\.position.shard)) == [s.map.shard(of: job.queue)])
        }
        for shard in s.map.shards {
            #expect(try await s.ledger.cursor(of: shard) == s.memory[Int(shard.number)].history().end)
            let run = try await s.reconcile(Int(shard.number))
            #expect(run.exitCode == 0 && run.findings.isEmpty)
        }
    }

    @Test func `refuses a queued call that spans shards, and enqueues nothing of it`() async throws {
        let s = Shards()
        let error = await caught(EnqueueError.self) {
            try await s.client().enqueue(contentsOf: [s.record(on: 0), s.record(on: 1)])
        }
        guard case .acrossShards(s.name(0), s.name(1))? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(error?.mayRetry == false)
        #expect(try await s.reserve(9).jobs.isEmpty)
        let together = [s.record(on: 1), s.record(on: 1)]
        #expect(try await s.client().enqueue(contentsOf: together).count == 2)
    }

    @Test func `records a call that spans shards whole, and pushes to each its own`() async throws {
        let s = Shards()
        let client = s.client(.recorded)
        let jobs = (0..<6).map { s.record(on: $0 % 2) }
        _ = try await client.enqueue(contentsOf: jobs)
        await client.drain()

        #expect(Set(try await s.reserve(9).jobs.map(\.record.id)) == Set(jobs.map(\.id)))
        #expect(try await s.ledger.balances().outbox == 0)
        var other = jobs[0]
        other.body = [1]
        await #expect(throws: EnqueueError.self) {
            try await client.enqueue(contentsOf: [s.record(on: 1), other])
        }
        #expect(try await s.ledger.balances().accepted == 6)
    }

    @Test func `hands out no more than the limit, and begins with another shard each time`() async throws {
        let s = Shards(3)
        for _ in 0..<30 { for shard in 0..<3 { try await s.client().enqueue(s.record(on: shard)) } }
        var first: Set<Shard> = []
        for _ in 0..<12 {
            let jobs = try await s.reserve(2).jobs
            #expect(jobs.count == 2)
            if let shard = jobs.first?.lease.shard { first.insert(shard) }
        }
        #expect(first.count == 3)
        #expect(try await s.reserve(500).jobs.count == 90 - 24)
    }

    @Test func `begins with each shard in turn also where every reserve follows a wait`() async throws {
        let s = Shards()
        for _ in 0..<8 { for shard in 0..<2 { try await s.client().enqueue(s.record(on: shard)) } }
        var first: [Shard] = []
        for _ in 0..<8 {
            try await s.sharded.leasing.wait(for: [s.name(0), s.name(1)], upTo: .seconds(60))
            first += try await s.reserve(1).jobs.map(\.lease.shard)
        }
        #expect(first.count { $0 == Shard(0) } == 4 && first.count { $0 == Shard(1) } == 4, "\(first)")
    }

    @Test func `asks in the order of the wish where that is wished, over all shards [F10]`() async throws {
        let s = Shards()
        let order = [s.name(1), s.name(0), s.name(1, 1)]
        for queue in order.reversed() {
            for _ in 0..<2 { try await s.client().enqueue(JobRecord(type: "t", queue: queue)) }
        }
        var taken: [QueueName] = []
        for limit in [1, 3, 9] {
            var wish = ReserveWish(order, limit: limit, worker: WorkerID("w"))
            wish.isOrdered = true
            taken += try await s.sharded.leasing.reserve(wish).jobs.map(\.record.queue)
        }
        #expect(taken == order.flatMap { [$0, $0] })

        // A shard that is away is asked once, and costs the other nothing.
        s.queues[1].setOutage(.unavailable)
        try await s.client().enqueue(JobRecord(type: "t", queue: order[1]))
        let asked = s.queues[1].count(of: .reserve)
        var wish = ReserveWish(order, limit: 9, worker: WorkerID("w"))
        wish.isOrdered = true
        #expect(try await s.sharded.leasing.reserve(wish).jobs.count == 1)
        #expect(s.queues[1].count(of: .reserve) == asked + 1)
    }

    @Test func `wakes who waits for queues of several shards, whichever gets work`() async throws {
        let s = Shards()
        for shard in 0..<2 {
            let waiting = Task {
                try await s.sharded.leasing.wait(for: [s.name(0), s.name(1)], upTo: .seconds(60))
            }
            try await s.client().enqueue(s.record(on: shard))
            try await waiting.value
            let job = try #require(try await s.reserve(1).jobs.first)
            _ = try await s.sharded.leasing.settle(.ack(job.lease))
        }
    }

    @Test func `cancels a job wherever it stands, and says so in the ledger`() async throws {
        let s = Shards()
        let client = s.client(.recorded)
        let canceller = Canceller(queue: s.sharded, ledger: s.ledger)
        for shard in 0..<2 {
            let job = s.record(on: shard)
            try await client.enqueue(job)
            await client.drain()
            let cancelling = Task { try await canceller.cancel(job.id) }
            let mirroring = Task { while !Task.isCancelled { _ = try await s.mirror(shard).step() } }
            #expect(try await cancelling.value == .cancelled)
            mirroring.cancel()
            #expect(try await s.ledger.jobs([job.id])[job.id]?.status == .cancelled)
        }
        // Of mode queued, and not mirrored yet: no ledger tells where it is.
        let queued = s.record(on: 1)
        try await s.client().enqueue(queued)
        #expect(try await Canceller(queue: s.sharded, ledger: nil).cancel(queued.id) == .cancelled)
        #expect(try await Canceller(queue: s.sharded, ledger: nil).cancel(JobID()) == .notFound)
    }

    @Test(arguments: [false, true])
    func `takes one id for a job on each shard in mode queued, and cancels every one of them`(
        _ isMirrored: Bool
    ) async throws {
        let s = Shards()
        let waiting = s.record(on: 0)
        for running in [false, true] {
            let id = running ? JobID() : waiting.id
            let jobs = (0..<2).map { JobRecord(id: id, type: "t", queue: s.name($0)) }
            for job in jobs { #expect(try await !s.client().enqueue(job).existed) }
            // On one shard it is a conflict.
            let other = JobRecord(id: id, type: "t", queue: s.name(0, 1))
            await #expect(throws: EnqueueError.self) { try await s.client().enqueue(other) }
            if running { #expect(try await s.reserve(9, [s.name(1)]).jobs.map(\.record.id) == [id]) }
            if isMirrored { try await s.mirrorAll() }

            let report = try await Canceller(queue: s.sharded, ledger: isMirrored ? s.ledger : nil).report(id)

            #expect(report.outcome == (running ? .cancelling : .cancelled) && report.unread.isEmpty)
            #expect(report.shards.map(\.shard) == [Shard(0), Shard(1)])
            #expect(report.shards.map(\.outcome) == [.cancelled, running ? .cancelling : .cancelled])
            #expect(try await s.memory[0].inspect([id]).held.isEmpty)
            #expect(try await s.memory[1].inspect([id]).held[id]?.cancelRequested == (running ? true : nil))
        }
    }

    @Test func `shows a job of each shard that holds the id`() async throws {
        let s = Shards()
        let first = s.record(on: 0)
        let second = JobRecord(id: first.id, type: "t", queue: s.name(1))
        for job in [first, second] { try await s.client().enqueue(job) }
        try await s.mirrorAll()

        let report = try #require(try await s.admin.inspect(first.id))

        #expect(report.places.map(\.job?.record.queue) == [s.name(0), s.name(1)] && report.isWhole)
        #expect(report.job?.record.queue == s.name(0) && report.inQueue.word == "pending")
        s.queues[1].setOutage(.unavailable)
        let half = try #require(try await s.admin.inspect(first.id))
        #expect(half.unread.map(\.shard) == [Shard(1)] && half.isWhole && half.inQueue.word == "pending")
        s.queues[0].setOutage(.unavailable)
        let none = try #require(try await s.admin.inspect(first.id))
        #expect(none.inQueue.word == "unknown" && !none.isWhole && none.inLedger == .pending)
        await #expect(throws: QueueError.self) { try await s.admin.inspect(JobID()) }
    }

    @Test func `shows an end of each shard that the ledger does not have yet, and what is held before it`()
        async throws
    {
        let s = Shards()
        let first = s.record(on: 0)
        let second = JobRecord(id: first.id, type: "t", queue: s.name(1))
        for job in [first, second] { try await s.client().enqueue(job) }
        _ = try await s.memory[0].cancel(first.id, tombstone: nil)
        let half = try #require(try await s.admin.inspect(first.id))
        #expect(half.places.map(\.inQueue.word) == ["cancelled", "pending"])
        #expect(half.job?.record.queue == s.name(1) && half.inQueue.word == "pending" && half.inLedger == nil)
        _ = try await s.memory[1].cancel(first.id, tombstone: nil)

        let report = try #require(try await s.admin.inspect(first.id))

        #expect(report.job == nil && report.standing == QueueView.Ended(status: .cancelled, version: 1))
        #expect(report.places.map(\.shard) == [Shard(0), Shard(1)] && report.isWhole)
        let places = try #require(report.json["shards"] as? [[String: Any]])
        #expect(places.map { $0["status"] as? String } == ["cancelled", "cancelled"])
        try await s.mirrorAll()
        let mirrored = try #require(try await s.admin.inspect(first.id))
        #expect(mirrored.places.isEmpty && mirrored.inQueue.word == "absent")
        #expect(mirrored.lives.map { $0.map(\.verb) } == [[.push, .cancel], [.push, .cancel]])
        // A shard that is away may hold it still.
        s.queues[1].setOutage(.unavailable)
        #expect(try await s.admin.inspect(first.id)?.unread.map(\.shard) == [Shard(1)])
    }

    @Test func `settles each lease where it was given, and answers in order`() async throws {
        let s = Shards()
        for shard in [0, 1, 0, 1] { try await s.client().enqueue(s.record(on: shard)) }
        let leases = try await s.reserve(4).jobs.map(\.lease)
        let extended = try await s.sharded.leasing.extend(leases, by: .seconds(60))
        #expect(extended.allSatisfy { if case .extended = $0 { true } else { false } })
        s.queues[1].setOutage(.unavailable)

        let answers = try await s.sharded.leasing.settle(leases.map { .ack($0) })

        for (lease, answer) in zip(leases, answers) {
            if lease.shard == .first {
                #expect(answer == .settled(.completed))
            } else {
                guard case .failed = answer else {
                    Issue.record("\(answer)")
                    continue
                }
            }
        }
    }
}
