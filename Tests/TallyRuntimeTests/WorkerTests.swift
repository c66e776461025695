import Synchronization
import TallyCore
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyRuntime

@Suite struct `A worker` {
    @Test func `runs as many jobs at once as it has slots, and no more [F3]`() async throws {
        let rig = Rig()
        let jobs = try await withThrowingTaskGroup(of: JobRecord.self) { group in
            for _ in 0..<30 { group.addTask { try await rig.push() } }
            return try await group.reduce(into: [JobRecord]()) { $0.append($1) }
        }
        let running = Mutex<(now: Int, most: Int)>((0, 0))
        let (full, finish) = (Gate(), Gate())
        let handler = JobHandler("t") { _ in
            let now = running.withLock { running in
                running.now += 1
                running.most = max(running.most, running.now)
                return running.now
            }
            if now == 4 { full.open() }
            await finish.wait()
            running.withLock { $0.now -= 1 }
        }
        let configuration = WorkerConfiguration(concurrency: 4, heartbeat: .milliseconds(20))

        try await TallyRuntimeTests.running(rig.worker(configuration, handler)) {
            await full.wait()
            try await eventually("two heartbeats") { rig.queue.count(of: .extend) >= 2 }
            #expect(running.withLock { $0.now } == 4)
            #expect(try await rig.memory.counts().map(\.pending) == [26])
            finish.open()
            for job in jobs { try await rig.eventuallyEnded(job.id, .completed) }
        }

        #expect(running.withLock { $0.most } == 4)
    }

    @Test func `leaves a second job to others while its one slot is taken [C10]`() async throws {
        let rig = Rig()
        let (began, finish) = (Gate(), Gate())
        let handler = JobHandler("t") { _ in
            began.open()
            await finish.wait()
        }
        let first = try await rig.push()
        let second = try await rig.push()
        let configuration = WorkerConfiguration(concurrency: 1, heartbeat: .milliseconds(20))

        try await running(rig.worker(configuration, handler)) {
            await began.wait()
            try await eventually("two heartbeats") { rig.queue.count(of: .extend) >= 2 }
            #expect(try await rig.held(first.id)?.status == .processing)
            #expect(try await rig.held(second.id)?.status == .pending)
            #expect(try await rig.held(second.id)?.version == 1)
            let other = ReserveWish([.default], limit: 1, worker: WorkerID("other"))
            #expect(try await rig.memory.reserve(other).jobs.map(\.record.id) == [second.id])
            finish.open()
            try await rig.eventuallyEnded(first.id, .completed)
        }
    }

    @Test func `extends the lease of a job that runs longer than that [C9]`() async throws {
        let clock = ManualClock(.now)
        let rig = Rig(clock: clock.reading)
        let job = try await rig.push()
        let (began, finish) = (Gate(), Gate())
        let runs = Journal<Int>()
        let handler = JobHandler("t") { context in
            runs.append(context.attempt)
            began.open()
            await finish.wait()
        }
        let configuration = WorkerConfiguration(lease: .seconds(30), heartbeat: .milliseconds(20))

        try await running(rig.worker(configuration, handler)) {
            await began.wait()
            // A hundred seconds by the queue's clock, twenty at a time.
            for _ in 0..<5 {
                let before = try #require(try await rig.held(job.id)?.lease).expiresAt
                clock.advance(by: .seconds(20))
                try await eventually("extended") {
                    try await rig.held(job.id)?.lease.map { $0.expiresAt > before } == true
                }
                #expect(try await rig.memory.reclaim(10) == 0)
            }
            finish.open()
            try await rig.eventuallyEnded(job.id, .completed)
        }

        #expect(runs.all == [1])
    }

    /// Leasing whose extensions hang.
    private struct HangingLeases: ForwardingLeases {
        let leases: any Leasing
        let asked = Gate()
        let answer = Gate()
        func extend(_ held: [Lease], by length: Duration) async throws(QueueError) -> [ExtendAnswer] {
            asked.open()
            await answer.wait()
            return try await leases.extend(held, by: length)
        }
    }

    @Test func `tells a handler that its lease is over while the queue hangs [C9, F5]`() async throws {
        let rig = Rig()
        let leases = HangingLeases(leases: rig.queue)
        var queue = rig.queue.store
        queue.leasing = leases
        try await rig.push()
        let (began, stopped) = (Gate(), Gate())
        let handler = JobHandler("t") { _ in
            began.open()
            defer { stopped.open() }
            try await untilCancelled()
        }
        let worker = Worker(
            queue: queue, handlers: [handler],
            configuration: WorkerConfiguration(lease: .milliseconds(300), heartbeat: .milliseconds(20)))

        try await running(worker) {
            await began.wait()
            await leases.asked.wait()
            await stopped.wait()
            #expect(!leases.answer.isOpen)
            leases.answer.open()
        }
    }

    @Test(arguments: [
        QueueError.Code.wrongServer, .invalid, .unsupported, .unavailable, .uncertain, .full, .damaged,
    ])
    func `goes on after any answer of a store once it has started [F5]`(_ code: QueueError.Code) async throws
    {
        let rig = Rig()
        try await running(rig.worker(JobHandler("t") { _ in })) {
            let first = try await rig.push()
            try await rig.eventuallyEnded(first.id, .completed)
            for call in [FaultyQueue.Call.reserve, .wait, .settle, .heartbeat] {
                // An invalid end is the end's own fault, and final.
                let times = call == .settle && code == .invalid ? 0 : 2
                if times > 0 { rig.queue.inject(.refuse(code), on: call, times: times) }
            }

            let second = try await rig.push()
            try await rig.eventuallyEnded(second.id, .completed)
        }
    }

    @Test func `starts where keys of a queue are damaged: it may have others, and these may go aside [F5]`()
        async throws
    {
        let rig = Rig()
        rig.queue.inject(.refuse(.damaged), on: .reserve)
        let job = try await rig.push()

        try await running(rig.worker(JobHandler("t") { _ in })) {
            try await rig.eventuallyEnded(job.id, .completed)
        }
    }

    @Test func `ends at its first start on an answer that no waiting mends`() async throws {
        let rig = Rig()
        rig.queue.inject(.refuse(.wrongServer), on: .reserve)

        let error = await caught(QueueError.self) { try await rig.worker(JobHandler("t") { _ in }).run() }

        #expect(error?.code == .wrongServer)
    }

    @Test func `cancels the handler of a lost lease within one interval, and does not report its end [C9]`()
        async throws
    {
        let clock = ManualClock(.now)
        let rig = Rig(clock: clock.reading)
        let job = try await rig.push()
        let began = Gate()
        let stopped = Gate()
        let handler = JobHandler("t") { _ in
            began.open()
            defer { stopped.open() }
            try await untilCancelled()
        }
        let worker = rig.worker(
            WorkerConfiguration(concurrency: 1, lease: .seconds(30), heartbeat: .milliseconds(50)), handler)

        try await running(worker) {
            await began.wait()
            let first = try #require(try await rig.held(job.id)?.lease)
            clock.set(first.expiresAt)
            _ = try await rig.memory.reclaim(1)
            let taken = try await rig.memory.reserve(
                ReserveWish([.default], limit: 1, worker: WorkerID("thief")))
            let extends = rig.queue.count(of: .extend)
            await stopped.wait()

            #expect(rig.queue.count(of: .extend) <= extends + 2)
            try await eventually("its slot is free again") { worker.active == 0 }
            #expect(rig.queue.count(of: .settle) == 0)
            #expect(try await rig.memory.settle([.ack(taken.jobs[0].lease)]) == [.settled(.completed)])
        }
    }

    @Test func `cancels a handler whose lease it could not extend in time [C9]`() async throws {
        let rig = Rig()
        _ = try await rig.push()
        let (began, stopped) = (Gate(), Gate())
        let handler = JobHandler("t") { _ in
            began.open()
            defer { stopped.open() }
            try await untilCancelled()
        }

        try await running(rig.worker(WorkerConfiguration(lease: .milliseconds(300)), handler)) {
            await began.wait()
            rig.queue.setOutage(.unavailable)
            await stopped.wait()
            rig.queue.setOutage(nil)
        }
    }

    @Test func `reports an end again and again while the store is away: one run [D13]`() async throws {
        let rig = Rig()
        let job = try await rig.push()
        let runs = Journal<Int>()
        rig.queue.inject(.refuse(.unavailable), on: .settle, times: 3)
        rig.queue.inject(.dropReply, on: .settle)

        try await running(rig.worker(JobHandler("t") { runs.append($0.attempt) })) {
            try await rig.eventuallyEnded(job.id, .completed)
            try await eventually("the ack was answered") { rig.queue.count(of: .settle) == 5 }
        }

        #expect(runs.all == [1])
        #expect(try await rig.moves(job.id).count { $0.verb == .ack } == 1)
    }

    @Test func `reserves no more while the queue does not take the ends of what it ran`() async throws {
        let rig = Rig()
        for _ in 0..<8 {
            let records = (0..<Limits.jobsPerCall).map { _ in JobRecord(type: "t", body: []) }
            _ = try await rig.memory.push(records.map { Push($0) }, issued: nil)
        }
        let all = 8 * Limits.jobsPerCall
        let ran = Atomic(0)
        let held = HeldSettlements(leases: rig.queue)
        var queue = rig.queue.store
        queue.leasing = held
        let configuration = WorkerConfiguration(concurrency: 100, heartbeat: .milliseconds(20))
        let handler = JobHandler("t") { _ in ran.add(1, ordering: .relaxed) }
        let worker = Worker(queue: queue, handlers: [handler], configuration: configuration)

        try await running(worker) {
            try await eventually("it stands still") {
                ran.load(ordering: .relaxed) >= Limits.unsettled && worker.active == 0
            }
            let beats = rig.queue.count(of: .extend)
            try await eventually("two heartbeats") { rig.queue.count(of: .extend) >= beats + 4 }
            #expect(ran.load(ordering: .relaxed) < Limits.unsettled + 100)
            held.gate.open()
            try await eventually("all ended") {
                try await rig.memory.counts().allSatisfy { $0.pending + $0.processing == 0 }
            }
        }

        #expect(ran.load(ordering: .relaxed) == all)
    }

    @Test func `goes on by itself after an outage [F5]`() async throws {
        let rig = Rig()
        let before = try await rig.push()

        try await running(rig.worker(JobHandler("t") { _ in })) {
            try await rig.eventuallyEnded(before.id, .completed)
            rig.queue.setOutage(.unavailable)
            let refused = rig.queue.count(of: .reserve)
            let during = try await rig.push()
            try await eventually("it tried") { rig.queue.count(of: .reserve) >= refused + 3 }
            #expect(try await rig.held(during.id)?.status == .pending)
            rig.queue.setOutage(nil)
            try await rig.eventuallyEnded(during.id, .completed)
        }
    }

    @Test func `ends with the error when its queue can never be used again`() async throws {
        let rig = Rig()
        await rig.memory.close()

        let error = await caught(QueueError.self) { try await rig.worker(JobHandler("t") { _ in }).run() }

        #expect(error?.code == .closed)
    }

    @Test func `fails a job at its crash cap when its workers keep dying [C12]`() async throws {
        let clock = ManualClock(.now)
        let rig = Rig(clock: clock.reading)
        let job = try await rig.push(maxCrashes: 3)
        let runs = Journal<(Int, Int)>()
        let handler = JobHandler("t") { context in
            runs.append((context.attempt, context.crashes))
            try await untilCancelled()
        }

        let configuration = WorkerConfiguration(concurrency: 1, heartbeat: .milliseconds(20))
        try await running(rig.worker(configuration, handler)) {
            for crash in 1...3 {
                try await eventually("run \(crash)") { runs.count == crash }
                let lease = try #require(try await rig.held(job.id)?.lease)
                clock.set(lease.expiresAt)
                _ = try await rig.memory.reclaim(1)
            }
        }

        #expect(runs.all.map(\.0) == [1, 1, 1] && runs.all.map(\.1) == [0, 1, 2])
        #expect(try await rig.ended(job.id) == .failed)
        #expect(try await rig.moves(job.id).last?.move.error?.contains("3 times") == true)
    }

    @Test func `gives each run a fence above the last [C13]`() async throws {
        let rig = Rig()
        let job = try await rig.push(maxAttempts: 10)
        let fences = Journal<(epoch: Int64, version: Int)>()
        let handler = JobHandler("t", retries: atOnce) { context in
            fences.append(context.fence)
            if fences.count < 5 { throw CancellationError() }
        }

        try await running(rig.worker(handler)) { try await rig.eventuallyEnded(job.id, .completed) }

        #expect(fences.count == 5)
        #expect(zip(fences.all, fences.all.dropFirst()).allSatisfy { $0 < $1 })
    }
}

/// Leasing that answers no settlement until its gate is opened.
private struct HeldSettlements: ForwardingLeases {
    let leases: any Leasing
    let gate = Gate()

    func settle(_ settlements: [Settlement]) async throws(QueueError) -> [SettleAnswer] {
        await gate.wait()
        return try await leases.settle(settlements)
    }
}
