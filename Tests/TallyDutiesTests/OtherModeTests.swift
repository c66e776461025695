import TallyCore
import TallyMemory
import TallyPostgres
import TallyRedis
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties
@testable import Tallystick

/// One key is one live job, whatever the mode: each queue's keys are kept in one place.
@Suite(.serialized) struct `A unique key in the other mode` {
    private func job(_ queue: QueueName = "q", _ key: String = "k") -> JobRecord {
        JobRecord(type: "t", queue: queue, unique: UniqueKey(key))
    }
    private func client(_ halves: Halves, _ mode: Durability) -> JobClient {
        JobClient(queue: halves.queue, ledger: halves.ledger, durability: mode)
    }
    private func refused(_ client: JobClient, _ record: JobRecord) async -> Durability? {
        let error = await caught(EnqueueError.self) { try await client.enqueue(record) }
        guard case .keysElsewhere(record.queue, let mode)? = error else { return nil }
        return mode
    }
    private func sqlEnqueue(_ halves: Halves, _ queue: String = "q") async throws {
        try await halves.sql("SELECT SCHEMA.enqueue('t', '{}', queue => '\(queue)', unique_key => 'k')")
    }
    private func jobs(_ halves: Halves) async throws -> Int {
        guard case .int(let count)? = try await halves.sql("SELECT count(*) FROM SCHEMA.jobs").first?.first
        else {
            return -1
        }
        return Int(count)
    }

    @Test func `is refused by a typed error, in both orders, and without a key each mode goes on`()
        async throws
    {
        try await Halves.with { halves in
            let (recorded, queued) = (client(halves, .recorded), client(halves, .queued))
            let (first, second) = (job("a"), job("b"))
            _ = try await queued.enqueue(first)
            _ = try await recorded.enqueue(second)

            #expect(await refused(recorded, job("a")) == .queued)
            #expect(await refused(recorded, job("a", "another")) == .queued)
            #expect(await refused(queued, job("b")) == .recorded)
            #expect(try await queued.enqueue(job("a")).id == first.id)
            #expect(try await recorded.enqueue(job("b")).id == second.id)
            let together = await caught(EnqueueError.self) {
                try await recorded.enqueue(contentsOf: [JobRecord(type: "t"), job("a")])
            }
            guard case .keysElsewhere("a", .queued)? = together else {
                Issue.record("\(String(describing: together))")
                return
            }
            for client in [recorded, queued] {
                for queue in ["a", "b"] as [QueueName] {
                    #expect(try await !client.enqueue(JobRecord(type: "t", queue: queue)).existed)
                }
                await client.drain()
            }
            try await halves.mirrorAll()
            #expect(try await jobs(halves) == 6)
        }
    }

    @Test func `is refused by SQL and by the ledger alone, once the mirror has told it`() async throws {
        try await Halves.with { halves in
            _ = try await client(halves, .queued).enqueue(job())
            try await halves.mirrorAll()

            let error = await caught(LedgerError.self) { try await sqlEnqueue(halves) }
            let receipt = try await halves.ledger.record([
                job(), job("other"), JobRecord(type: "t", queue: "q"),
            ])
            let together = try await halves.ledger.record([JobRecord(type: "t"), job()], together: true)

            #expect(
                error?.sqlState == "22023" && error?.detail.contains("mode queued") == true, "\(error as Any)"
            )
            #expect(receipt.answers == [.keysElsewhere, .recorded, .recorded])
            #expect(together.answers == [.withheld, .keysElsewhere])
            #expect(try await jobs(halves) == 3)
        }
    }

    @Test func `is refused by the queue once a relay has brought what SQL recorded`() async throws {
        try await Halves.with { halves in
            try await sqlEnqueue(halves)
            _ = try await Relay(queue: halves.queue, ledger: halves.ledger).step(olderThan: .zero)

            #expect(await refused(client(halves, .queued), job()) == .recorded)
        }
    }

    @Test func `that got in before the other half knew ends the later job, with the reason, and no other`()
        async throws
    {
        try await Halves.with { halves in
            try await sqlEnqueue(halves)  // not relayed yet
            let queued = job()
            _ = try await client(halves, .queued).enqueue(queued)
            let free = job("q", "free")
            _ = try await halves.ledger.record([free])  // by a program that does not ask

            _ = try await Relay(queue: halves.queue, ledger: halves.ledger).step(olderThan: .zero)

            let view = try await halves.queue.inspect([queued.id, free.id])
            #expect(view.held.count == 2)
            let failed = try await halves.ledger.list(JobQuery(status: .failed)).jobs
            #expect(
                failed.count == 1 && failed.first?.error?.contains("held by a job of mode queued") == true)
            // The relayed one holds its key in the queue now.
            #expect(try await client(halves, .queued).enqueue(job("q", "free")).id == free.id)
        }
    }

    @Test func `is known again after Redis lost its data`() async throws {
        try await Halves.with { halves in
            _ = try await client(halves, .queued).enqueue(job("a"))
            _ = try await halves.ledger.record([job("b")])
            try await halves.mirrorAll()
            try halves.send("DEL", .homes)
            let freer = KeyFreer(queue: halves.queue, ledger: halves.ledger)

            _ = try await freer.step()

            #expect(await refused(client(halves, .recorded), job("a")) == .queued)
            #expect(await refused(client(halves, .queued), job("b")) == .recorded)
        }
    }

    /// After each of these a queue had two halves that both refuse it, for ever.
    @Test(arguments: ["asked first", "told later"])
    func `never is of both modes after Redis lost its data`(_ order: String) async throws {
        try await Halves.with { halves in
            _ = try await client(halves, .queued).enqueue(job("a"))
            try await halves.mirrorAll()
            for key in [RedisKey.homes, .unique] { try halves.send("DEL", key) }
            if order == "told later" {
                // By a program that claims before anybody has told.
                try halves.send("HSET", .homes, Array("a".utf8), Array("r".utf8))
                _ = try await KeyFreer(queue: halves.queue, ledger: halves.ledger).step()
            }
            let recorded = client(halves, .recorded)

            #expect(await refused(recorded, job("a")) == .queued)
            #expect(await refused(client(halves, .queued), job("a", "another")) == nil)
            await recorded.drain()
        }
    }

    @Test func `is not turned into the other mode by a push of a program that does not ask`() async throws {
        try await Halves.with { halves in
            let recorded = client(halves, .recorded)
            _ = try await recorded.enqueue(job("b"))
            await recorded.drain()
            try await halves.sql("DELETE FROM SCHEMA.unique_keys")
            try halves.send("HDEL", .homes, Array("b".utf8))
            _ = try await client(halves, .queued).enqueue(job("b", "old"))
            try halves.send("HSET", .homes, Array("b".utf8), Array("r".utf8))
            while try await halves.mirror.step() > 0 {}

            #expect(try await halves.sql("SELECT queue FROM SCHEMA.key_homes").isEmpty)
            #expect(await refused(recorded, job("b", "new")) == nil)
            #expect(await refused(client(halves, .queued), job("b", "new")) == .recorded)
            await recorded.drain()
        }
    }

    @Test func `is noted where the ledger had a key of that queue once, whose time is over`() async throws {
        try await Halves.with { halves in
            try await halves.sql(
                "INSERT INTO SCHEMA.unique_keys (queue, key, job_id, until) "
                    + "VALUES ('a', 'old', '\(JobID())', now() - interval '1 second')")
            _ = try await client(halves, .queued).enqueue(job("a"))
            while try await halves.mirror.step() > 0 {}

            #expect(try await halves.sql("SELECT queue FROM SCHEMA.key_homes") == [[.text("a")]])
        }
    }

    @Test(arguments: [RedisKey.unique, .homes])
    func `that is damaged in Redis keeps its own queue from being relayed, and no other`(_ key: RedisKey)
        async throws
    {
        try await Halves.with { halves in
            try await sqlEnqueue(halves)
            let (other, keyed) = (JobRecord(type: "t", queue: "other"), job("q", "second"))
            _ = try await halves.ledger.record([other, keyed])
            try halves.send("DEL", key)
            try halves.send("SET", key, Array("x".utf8))

            _ = try await Relay(queue: halves.queue, ledger: halves.ledger).step(olderThan: .zero)

            #expect(try await halves.queue.inspect([other.id, keyed.id]).held.keys.map { $0 } == [other.id])
            try halves.send("DEL", key)
            _ = try await Relay(queue: halves.queue, ledger: halves.ledger).step(olderThan: .zero)
            #expect(try await halves.queue.inspect([keyed.id]).held.count == 1)
            #expect(try await halves.ledger.list(JobQuery(status: .failed)).jobs.isEmpty)
        }
    }

    @Test(arguments: [false, true])
    func `is taken again in Redis by a requeued job of mode queued, which ends if another has it`(
        _ isTaken: Bool
    ) async throws {
        try await Halves.with { halves in
            let queued = client(halves, .queued)
            let first = job("a")
            _ = try await queued.enqueue(first)
            let wish = ReserveWish(["a"], limit: 1, worker: WorkerID("w"))
            let lease = try #require(try await halves.queue.reserve(wish).jobs.first?.lease)
            _ = try await halves.queue.settle([.fail(lease, attempts: 1, error: "e")])
            while try await halves.mirror.step() > 0 {}
            let other = job("a")
            if isTaken { _ = try await queued.enqueue(other) }
            _ = try await halves.ledger.requeue(
                first.id, seen: lease.version, runAt: nil, resetAttempts: true, actor: "test",
                despiteEffect: false)
            #expect(try await halves.sql("SELECT key FROM SCHEMA.unique_keys").isEmpty)

            _ = try await Relay(queue: halves.queue, ledger: halves.ledger).step(olderThan: .zero)

            let third = try await queued.enqueue(job("a"))
            #expect(third.existed && third.id == (isTaken ? other.id : first.id))
            let view = try await halves.queue.inspect([first.id, other.id])
            #expect(view.held.keys.map { $0 } == [isTaken ? other.id : first.id])
        }
    }

    @Test func `is not told by what a rebuild pushes`() async throws {
        try await Halves.with { halves in
            let recorded = job("b")
            let client = self.client(halves, .recorded)
            _ = try await client.enqueue(recorded)
            await client.drain()
            try await halves.mirrorAll()
            try halves.forget(recorded.id)
            try halves.send("DEL", .homes)
            try halves.send("DEL", .ready, of: "b:2")

            _ = try await halves.reconcile(.repair)
            try await halves.mirrorAll()

            #expect(try await halves.queue.inspect([recorded.id]).held[recorded.id] != nil)
            #expect(try await halves.sql("SELECT queue FROM SCHEMA.key_homes").isEmpty)
            let homes = RedisKey.homes.of(halves.scratch.settings.namespace)
            #expect(try halves.raw("HLEN", homes).number == 0)
        }
    }

    @Test func `is recorded without Redis, which then keeps no key`() async throws {
        let ledger = MemoryLedger()
        let queue = MemoryQueue()
        await queue.close()
        let client = JobClient(queue: queue, ledger: ledger)

        #expect(try await !client.enqueue(job()).existed)
        #expect(try await client.enqueue(job()).existed)
        await client.drain()
    }

    @Test func `is refused in memory as on the servers`() async throws {
        let (queue, ledger) = (MemoryQueue(), MemoryLedger())
        let recorded = JobClient(queue: queue, ledger: ledger)
        let queued = JobClient(queue: queue, ledger: ledger, durability: .queued)
        _ = try await queued.enqueue(job("a"))
        _ = try await recorded.enqueue(job("b"))

        #expect(await refused(recorded, job("a")) == .queued)
        #expect(await refused(queued, job("b")) == .recorded)
        try await RelayAndMirror.run(queue, ledger)
        #expect(try await ledger.record([job("a")]).answers == [.keysElsewhere])
        await recorded.drain()
    }
}
