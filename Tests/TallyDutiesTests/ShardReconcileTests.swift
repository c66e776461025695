import TallyAdmin
import TallyCore
import TallyMemory
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties
@testable import Tallystick

extension Shards {
    func patrol() throws -> Patrol {
        Patrol(
            reconcilers: try queues.indices.map {
                try Reconciler(queue: queues[$0], ledger: ledger, mirror: mirror($0))
            })
    }
    /// Recorded and mirrored, one on each shard.
    func fill() async throws {
        let client = client(.recorded)
        for shard in queues.indices { try await client.enqueue(record(on: shard)) }
        await client.drain()
        try await mirrorAll()
    }
}

@Suite struct `A round over three shards` {
    @Test func `leaves a shard whose epoch is held, and compares those behind it`() async throws {
        let s = Shards(3)
        try await s.fill()
        try s.memory[1].startEpoch()

        #expect(try await s.patrol().step().map(\.shard) == [nil, Shard(0), Shard(2)])

        let step = try await s.patrol().duty().step()
        #expect(step.isElsewhere && step.done > 0)
        try await s.memory[1].open(epoch: s.memory[1].history().epoch)
        #expect(try await !s.patrol().duty().step().isElsewhere)
    }

    @Test func `may last as long as one over each of them`() throws {
        #expect(try Shards(3).patrol().duty().limit == Limits.patrolStep * 3)
    }

    @Test(arguments: 0..<3)
    func `looks at what the ledger has once, whichever shard is away, and at the others [D34]`(_ away: Int)
        async throws
    {
        let clock = ManualClock(.now)
        let s = Shards(3, ledger: MemoryLedger(clock: clock.reading))
        s.queues[away].setOutage(.unavailable)
        try await s.fillAsFarAsGoes()
        clock.advance(by: Limits.outboxAge + .seconds(1))

        await #expect(throws: QueueError.self) { try await s.patrol().step() }

        let runs = try s.ledger.reconcileRuns().filter { $0.error == nil }
        #expect(runs.flatMap(\.findings).map(\.code) == ["D34"])
        let ended = s.map.shards.filter { Int($0.number) != away }
        #expect(Set(runs.map(\.shard)) == Set(ended + [nil]))

        let report = try await s.admin.reconcile(ReconcileOptions(.dry))
        #expect(report.run.findings.map(\.code) == ["D34"] && report.unread == [Shard(away)])
    }
}

extension Shards {
    fileprivate func fillAsFarAsGoes() async throws {
        let client = client(.recorded)
        for shard in queues.indices { try await client.enqueue(record(on: shard)) }
        await client.drain()
        for shard in queues.indices {
            // the one that is away keeps its job in the outbox
            do { while try await mirror(shard).step() > 0 {} } catch is QueueError {}
        }
    }
}

@Suite struct `A run by hand over several shards` {
    @Test(arguments: [QueueError.Code.unavailable, .wrongServer, .invalid])
    func `says what the others found, and which could not be read`(_ code: QueueError.Code) async throws {
        let s = Shards(3)
        try await s.fill()
        // Shard 1 is emptied; the ledger has all of it.
        let empty = MemoryQueue(epoch: 2, part: ShardPart(Shard(1), of: s.map))
        let queue = ShardedQueue([s.queues[0].store, empty.store, s.queues[2].store])
        s.queues[0].setOutage(code)

        let admin = Admin(queue: queue, ledger: s.ledger.store)
        let report = try await admin.reconcile(ReconcileOptions(.repair))

        #expect(report.run.findings.map(\.code) == ["D01"] && report.run.repaired == 1)
        #expect(report.exitCode == 8 && !report.holds && !report.run.isFull)
        #expect(report.unread == [Shard(0)])
        #expect(report.run.error?.hasPrefix("shard 0: ") == true)
        #expect(report.json["unread_shards"] as? [Int] == [0] && report.json["holds"] as? Bool == false)
    }

    @Test func `waits once for another reconciler, not once a shard`() async throws {
        let s = Shards(3)
        try await s.fill()
        let wish = LeaseWish(
            name: LeaseWish.reconcile, token: JobID(), holder: "other", length: .seconds(600))
        #expect(try await s.ledger.lease(wish) == .held(isWanted: false))
        let asked = Journal<JobID>()
        var ledger = s.ledger.store
        ledger.leases = Asked(base: s.ledger, asked: asked)
        var options = ReconcileOptions(.repair)
        options.patience = Limits.epochWatch * 2

        let report = try await Admin(queue: s.sharded, ledger: ledger).reconcile(options)

        #expect(report.unread.count == 3 && report.exitCode == 8)
        // The first, which is the ledger's own, asks until its patience ends; that of each shard asks once.
        let takes = asked.all.reduce(into: [JobID: Int]()) { $0[$1, default: 0] += 1 }
        let first = try #require(asked.all.first)
        #expect(takes.count == 4 && takes[first] != 1, "\(takes)")
        #expect(takes.values.count { $0 == 1 } == 3, "\(takes)")
    }

    private struct Asked: LeaseRegister {
        let base: MemoryLedger
        let asked: Journal<JobID>

        func lease(_ wish: LeaseWish) async throws(LedgerError) -> LeaseAnswer {
            asked.append(wish.token)
            return try await base.lease(wish)
        }
        func endLease(_ name: String, token: JobID) async throws(LedgerError) {
            try await base.endLease(name, token: token)
        }
    }

    @Test func `runs again what was set aside on every shard, whichever is away [D18]`() async throws {
        let s = Shards()
        try await s.fill()
        let leases = try await s.reserve(2).jobs.map(\.lease)
        _ = try await s.sharded.leasing.settle(leases.map { .fail($0, attempts: 1, error: "history_lost") })
        try await s.mirrorAll()
        s.queues[0].setOutage(.unavailable)
        var options = ReconcileOptions(.repair)
        options.requeuesUnknown = true

        _ = try await s.admin.reconcile(options)

        let jobs = try await s.ledger.jobs(leases.map(\.id))
        #expect(jobs.count == 2 && jobs.values.allSatisfy { $0.status == .pending })
    }
}
