import TallyCore
import TallyDuties
import TallyMemory
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

/// What stands above the seam, over a ledger that fails at each of its calls in turn: before it happens, and after.
@Suite(.timeLimit(.minutes(1))) struct `A ledger that fails` {
    private let memory = MemoryQueue()
    private let base = MemoryLedger()
    private let ledger: FaultyLedger
    private let queue: FaultyQueue

    init() {
        ledger = FaultyLedger(base)
        queue = FaultyQueue(memory)
    }

    static let faults: [FaultyLedger.Fault] = [
        .refuse(.unavailable), .refuse(.transient), .refuse(.uncertain), .dropReply,
    ]

    private func client() -> JobClient { JobClient(queue: queue, ledger: ledger) }

    /// Relays and mirrors until both halves say the same of every job.
    private func settle() async throws { try await RelayAndMirror.run(memory, base) }

    // MARK: Recorded enqueue

    @Test(arguments: 0..<faults.count)
    func `at a recorded enqueue leaves one job after a retry with the same id`(_ fault: Int) async throws {
        ledger.inject(Self.faults[fault], on: .record)
        let job = JobRecord(type: "t")

        let error = await caught(EnqueueError.self) { try await client().enqueue(job) }
        #expect(error?.mayRetry == true)
        let receipt = try await client().enqueue(job)
        try await settle()

        #expect(receipt.id == job.id && receipt.durability == .recorded)
        #expect(receipt.existed == (fault == 3))
        #expect(try await memory.inspect([job.id]).held.count == 1)
        #expect(try await base.balances().accepted == 1)
    }

    @Test(arguments: 0..<faults.count)
    func `after the push leaves the outbox row to the relay, and the job is counted once`(_ fault: Int)
        async throws
    {
        ledger.inject(Self.faults[fault], on: .finishOutbox)
        let job = JobRecord(type: "t")
        let client = client()

        let receipt = try await client.enqueue(job)
        await client.drain()
        #expect(!receipt.existed && ledger.count(of: .finishOutbox) == 1)
        try await settle()

        #expect(try await memory.inspect([job.id]).held[job.id]?.version == 1)
        let balances = try await base.balances()
        #expect(balances.accepted == 1 && balances.active == 1)
        #expect(try await base.relay(rows: 9, olderThan: .zero) { _ in true }.claimed == 0)
    }

    @Test func `for one job's data fails no other of the same commit`() async throws {
        ledger.refuse("poison")
        let gate = Gate()
        let entered = Gate()
        for _ in 0..<Limits.recordFlushes {
            ledger.inject(
                .delay {
                    entered.open()
                    await gate.wait()
                }, on: .record)
        }
        let client = client()
        let tasks = (0..<64).map { number in
            Task { try await client.enqueue(JobRecord(type: number == 7 ? "poison" : "t")) }
        }
        await entered.wait()
        gate.open()

        var refused = 0
        for task in tasks {
            do { _ = try await task.value } catch { refused += 1 }
        }

        #expect(refused == 1)
        #expect(try await base.balances().accepted == 63)
    }

    // MARK: Relay

    @Test(arguments: 0..<faults.count)
    func `at a relay's pass is passed by: the next brings every job once`(_ fault: Int) async throws {
        let jobs = (0..<50).map { _ in JobRecord(type: "t") }
        for job in jobs { _ = try await base.record([job]) }
        ledger.inject(Self.faults[fault], on: .relay)
        ledger.inject(Self.faults[fault], on: .relay, at: 3)
        let relay = Relay(queue: queue, ledger: ledger)

        var errors = 0
        while ledger.count(of: .relay) < 8 {
            do { _ = try await relay.step(olderThan: .zero) } catch is LedgerError { errors += 1 }
        }
        try await settle()

        #expect(errors == 2)
        #expect(try await memory.inspect(jobs.map(\.id)).held.count == 50)
        let balances = try await base.balances()
        #expect(balances.accepted == 50 && balances.active == 50)
    }

    // MARK: Mirror

    @Test(arguments: 0..<faults.count, [FaultyLedger.Call.cursor, .apply])
    func `at the mirror's call neither loses nor repeats a transition`(
        _ fault: Int, _ call: FaultyLedger.Call
    ) async throws {
        let jobs = (0..<8).map { _ in JobRecord(type: "t") }
        let mirror = Mirror(queue: queue, ledger: ledger)
        var errors = 0
        ledger.inject(Self.faults[fault], on: call)
        ledger.inject(Self.faults[fault], on: call, at: 3)
        for job in jobs {
            _ = try await memory.push([Push(job)], issued: nil)
            let wish = ReserveWish([.default], limit: 1, worker: WorkerID("w"))
            let lease = try #require(try await memory.reserve(wish).jobs.first?.lease)
            _ = try await memory.settle([.ack(lease)])
            do { _ = try await mirror.step() } catch is LedgerError { errors += 1 }
        }
        while true {
            do { if try await mirror.step() == 0 { break } } catch is LedgerError { errors += 1 }
        }

        #expect(errors >= 1)
        for job in jobs { #expect(try await base.events(job.id).map(\.verb) == [.push, .lease, .ack]) }
        let balances = try await base.balances()
        #expect(balances.accepted == 8 && balances.completed == 8)
    }

    // MARK: A handler's own effect

    @Test(arguments: 0..<faults.count, [FaultyLedger.Call.complete, .commit])
    func `at a handler's own transaction lets its effect happen once`(
        _ fault: Int, _ call: FaultyLedger.Call
    ) async throws {
        let base = MemoryLedger(rows: ["balance": [.int(0)]]) { _, _, rows in
            if case .int(let balance)? = rows["balance"]?.first { rows["balance"] = [.int(balance + 5)] }
            return []
        }
        let ledger = FaultyLedger(base)
        ledger.inject(Self.faults[fault], on: call)
        let job = JobRecord(type: "deposit")
        _ = try await memory.push([Push(job)], issued: nil)
        let handler = JobHandler("deposit", retries: ExponentialBackoff(base: .zero, maxAttempts: 9)) {
            context in
            try await context.withTransaction { transaction in
                _ = try await transaction.query("UPDATE account SET balance = balance + 5", [])
                try context.complete(bytes: [7])
                try await context.complete(in: transaction)
            }
        }
        let worker = Worker(queue: memory, ledger: ledger, handlers: [handler])
        let running = Task { try await worker.run() }
        try await eventually("the job has completed") {
            try await memory.inspect([job.id]).ended[job.id]?.status == .completed
        }
        running.cancel()
        _ = await running.result

        #expect(base.rows == ["balance": [.int(5)]])
        #expect(try await base.committedEffect(of: job.id) == [7])
    }
}
