import TallyCore
import TallyDuties
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyRuntime

@Suite struct `An enqueue whose store fails` {
    @Test func `is uncertain when the answer was lost, and safe to repeat [A7]`() async throws {
        let rig = Rig()
        let record = JobRecord(type: "t")
        rig.queue.inject(.dropReply, on: .push)

        let error = await caught(EnqueueError.self) { try await rig.client(.queued).enqueue(record) }

        guard case .uncertain(record.id)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try await rig.client(.queued).enqueue(record).existed)
        #expect(try await rig.memory.counts().map(\.pending) == [1])
    }

    @Test(arguments: Durability.allCases)
    func `whose task was cancelled before it was sent says so, not that the store is away`(_ mode: Durability)
        async throws
    {
        let rig = Rig()
        rig.queue.inject(.refuse(.cancelled), on: .stamp)
        rig.ledger.inject(.refuse(.cancelled), on: .clock)

        let error = await caught(EnqueueError.self) { try await rig.client(mode).enqueue(Plain()) }

        guard case .cancelled? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(rig.queue.count(of: .push) == 0 && rig.ledger.count(of: .record) == 0)
    }

    @Test func `says which job may be there in part, where the keys of its queue are damaged`() async throws {
        let rig = Rig()
        let record = JobRecord(type: "t")
        rig.queue.inject(.refuse(.damaged), on: .push)

        let error = await caught(EnqueueError.self) { try await rig.client(.queued).enqueue(record) }

        guard case .damaged(record.id, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try await !rig.client(.queued).enqueue(record).existed)
    }

    @Test(
        arguments: [
            (.unavailable, true), (.full, true), (.uncertain, true), (.closed, false), (.invalid, false),
            (.wrongServer, false), (.unsupported, false), (.cancelled, false), (.damaged, false),
        ] as [(QueueError.Code, Bool)])
    func `tells whether to try again, in mode queued`(_ code: QueueError.Code, _ mayRetry: Bool) async throws
    {
        let rig = Rig()
        rig.queue.inject(.refuse(code), on: .push)

        let error = await caught(EnqueueError.self) { try await rig.client(.queued).enqueue(Plain()) }

        #expect(error?.mayRetry == mayRetry, "\(String(describing: error))")
    }

    @Test(
        arguments: [
            (.unavailable, true), (.uncertain, true), (.transient, true), (.closed, false), (.refused, false),
            (.schema, false), (.invalid, false), (.denied, true), (.cancelled, false),
        ] as [(LedgerError.Code, Bool)])
    func `tells whether to try again, in mode recorded`(_ code: LedgerError.Code, _ mayRetry: Bool)
        async throws
    {
        let rig = Rig()
        rig.ledger.inject(.refuse(code), on: .record)

        let error = await caught(EnqueueError.self) { try await rig.client().enqueue(Plain()) }

        #expect(error?.mayRetry == mayRetry, "\(String(describing: error))")
    }
}

@Suite struct `Recorded enqueues` {
    @Test func `share commits when many callers come at once`() async throws {
        let rig = Rig()
        let client = rig.client()
        let gate = Gate()
        rig.recording.hold(at: gate)

        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<200 { group.addTask { try await client.enqueue(Plain()) } }
            await client.lanes[0].untilWaited(200)
            gate.open()
            try await group.waitForAll()
        }
        await client.drain()

        #expect(rig.ledger.count(of: .record) <= 10)
        #expect(try await rig.memory.counts().map(\.pending) == [200])
        #expect(try await rig.ledger.relay(rows: 10, olderThan: .zero) { _ in true }.claimed == 0)
    }

    @Test func `do not fail for a neighbour whose data is refused`() async throws {
        let rig = Rig()
        let client = rig.client()
        rig.ledger.refuse("poison")
        let gate = Gate()
        rig.recording.hold(at: gate)
        let good = (0..<20).map { _ in JobRecord(type: "t") }
        let poison = JobRecord(type: "poison")

        let outcomes = await withTaskGroup(of: (JobID, Bool).self) { group in
            for record in good + [poison] {
                group.addTask {
                    (record.id, await caught(EnqueueError.self) { try await client.enqueue(record) } == nil)
                }
            }
            await client.lanes[0].untilWaited(good.count + 1)
            gate.open()
            return await group.reduce(into: [JobID: Bool]()) { $0[$1.0] = $1.1 }
        }

        #expect(good.allSatisfy { outcomes[$0.id] == true })
        #expect(outcomes[poison.id] == false)
        #expect(try await rig.ledger.balances().accepted == 20)
    }

    @Test func `are refused at once where as many wait as may, and those that wait keep their places`()
        async throws
    {
        let rig = Rig()
        let lane = RecordLane(
            queue: rig.queue.store, ledger: rig.store, observer: SilentObserver(), patience: nil,
            bounds: .init(count: 1, bytes: 100, shippers: 1, waiting: 2, waitingBytes: 100))
        let (gate, reached) = (Gate(), Gate())
        rig.recording.hold(at: gate, reached: reached)
        let order = Journal<JobID>()
        func enqueue(_ record: JobRecord) -> Task<Result<Receipt, EnqueueError>, Never> {
            Task {
                let answer = await lane.enqueue(record)
                order.append(record.id)
                return answer
            }
        }
        let records = (0..<3).map { _ in JobRecord(type: "t") }

        var tasks = [enqueue(records[0])]
        await reached.wait()  // it is on its way, and waits no longer
        for (index, record) in records.enumerated().dropFirst() {
            tasks.append(enqueue(record))
            await lane.untilWaited(index + 1)
        }
        let refused = await lane.enqueue(JobRecord(type: "t"))

        guard case .failure(let error) = refused, case .full(let why) = error else {
            Issue.record("\(refused)")
            return
        }
        #expect(error.mayRetry && why.contains("enqueue again once some of them are answered"))
        #expect(order.count == 0)
        gate.open()
        for (task, record) in zip(tasks, records) {
            #expect(try await task.value.get().id == record.id)
        }
        await lane.drain()
        #expect(rig.ledger.count(of: .record) == 3)
        #expect(try await rig.ledger.balances().accepted == 3)
        #expect(try await lane.enqueue(JobRecord(type: "t")).get().existed == false)
        await lane.drain()
    }

    @Test(arguments: [FaultyQueue.Call.push, .stamp])
    func `stand when the queue is away, and the relay delivers them [P4]`(_ call: FaultyQueue.Call)
        async throws
    {
        let rig = Rig()
        rig.queue.inject(.refuse(.unavailable), on: call)
        let client = rig.client()

        let receipt = try await client.enqueue(Plain())
        await client.drain()
        #expect(try await rig.held(receipt.id) == nil)
        let relayed = try await Relay(queue: rig.queue, ledger: rig.ledger).step(olderThan: .zero)

        #expect(receipt.durability == .recorded && relayed == 1)
        #expect(try await rig.held(receipt.id)?.status == .pending)
    }

    /// Enqueueing that answers nothing until the gate opens.
    private struct HungEnqueueing: Enqueueing {
        let base: any Enqueueing
        let hangs: FaultyQueue.Call
        let answer = Gate()
        func push(_ jobs: [Push], issued: Issued?) async throws(QueueError) -> [PushAnswer] {
            if hangs == .push { await answer.wait() }
            return try await base.push(jobs, issued: issued)
        }
        func stamp() async throws(QueueError) -> Issued {
            if hangs == .stamp { await answer.wait() }
            return try await base.stamp()
        }
    }

    @Test(arguments: [FaultyQueue.Call.push, .stamp])
    func `are not held by a queue that hangs [P4]`(_ call: FaultyQueue.Call) async throws {
        let rig = Rig()
        let hung = HungEnqueueing(base: rig.queue, hangs: call)
        var queue = rig.queue.store
        queue.enqueueing = hung
        let client = JobClient(queue: queue, ledger: rig.store)

        for _ in 0..<4 { try await client.enqueue(Plain()) }
        try await client.enqueue(contentsOf: [JobRecord(type: "t"), JobRecord(type: "t")])

        #expect(!hung.answer.isOpen)
        #expect(try await rig.ledger.balances().accepted == 6)
        hung.answer.open()
        await client.drain()
        _ = try await Relay(queue: rig.queue, ledger: rig.ledger).step(olderThan: .zero)
        #expect(try await rig.memory.counts().reduce(0) { $0 + $1.pending } == 6)
    }

    /// Else a seed of the simulation would tell another story on a slow machine.
    @Test(arguments: [FaultyQueue.Call.push, .stamp])
    func `ask a queue that failed again at once where a schedule decides when calls go on`(
        _ call: FaultyQueue.Call
    ) async throws {
        let rig = Rig()
        rig.queue.inject(.refuse(.unavailable), on: call)
        let client = JobClient(queue: rig.queue, ledger: rig.store, patience: nil)

        let first = try await client.enqueue(Plain())
        await client.drain()
        let second = try await client.enqueue(Plain())
        await client.drain()

        #expect(try await rig.held(first.id) == nil)
        #expect(try await rig.held(second.id)?.status == .pending)
    }

    @Test func `are pushed once more by the relay when the client died after its push, and run once [P4]`()
        async throws
    {
        let rig = Rig()
        rig.ledger.inject(.refuse(.unavailable), on: .finishOutbox)
        let client = rig.client()
        let id = try await client.enqueue(Plain()).id
        await client.drain()
        let runs = Journal<JobID>()
        let handler = JobHandler("plain") { runs.append($0.id) }

        try await running(rig.worker(handler)) {
            try await rig.eventuallyEnded(id, .completed)
            #expect(try await Relay(queue: rig.queue, ledger: rig.ledger).step(olderThan: .zero) == 1)
        }

        #expect(runs.all == [id] && rig.queue.count(of: .push) == 2)
    }

    @Test func `with a key that nobody could ask about are left to the relay, which asks`() async throws {
        let rig = Rig()
        func keyed() -> JobRecord { JobRecord(type: "t", unique: UniqueKey("k")) }
        let queued = try await rig.client(.queued).enqueue(keyed()).id
        rig.queue.inject(.refuse(.invalid), on: .keys, times: 100)
        let client = rig.client()

        let second = try await client.enqueue(keyed()).id
        let plain = try await client.enqueue(Plain()).id
        await client.drain()
        #expect(try await rig.held(second) == nil)
        _ = try await Relay(queue: rig.memory, ledger: rig.ledger).step(olderThan: .zero)

        #expect(try await rig.held(second) == nil)
        #expect(try await rig.held(queued) != nil)
        #expect(try await rig.held(plain) != nil)
    }

    @Test func `leave the outbox row of a queue that is full`() async throws {
        let memory = MemoryQueue(window: 1, logEntries: 1000)
        let ledger = MemoryLedger()
        let client = JobClient(queue: memory, ledger: ledger)

        let first = try await client.enqueue(Plain()).id
        let second = try await client.enqueue(Plain()).id
        await client.drain()

        #expect(try await memory.inspect([first, second]).held.count == 1)
        let relay = Relay(queue: memory, ledger: ledger)
        #expect(try await relay.step(olderThan: .zero) == 0)
        _ = try await memory.reserve(ReserveWish([.default], limit: 1, worker: WorkerID("w")))
        #expect(try await relay.step(olderThan: .zero) == 1)
        #expect(try await memory.inspect([first, second]).held.count == 2)
    }
}
