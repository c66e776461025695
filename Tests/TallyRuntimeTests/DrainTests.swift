import TallyCore
import TallyDuties
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyRuntime

@Suite struct `A worker that stops` {
    @Test func `lets its running job finish and leaves the next one alone [F4]`() async throws {
        let rig = Rig()
        let (began, finish) = (Gate(), Gate())
        let first = try await rig.push()
        let second = try await rig.push()
        let worker = rig.worker(
            WorkerConfiguration(concurrency: 1),
            JobHandler("t") { _ in
                began.open()
                await finish.wait()
            })
        let run = Task { try await worker.run() }
        await began.wait()

        let drain = Task { await worker.drain(within: .seconds(60)) }
        try await eventually("it says that it drains") { rig.queue.count(of: .heartbeat) >= 2 }
        #expect(try await rig.held(first.id)?.status == .processing)
        finish.open()
        await drain.value
        try await run.value

        #expect(try await rig.ended(first.id) == .completed)
        #expect(try await rig.held(second.id)?.version == 1)
        #expect(worker.active == 0)
    }

    @Test func `hands back what is not done in time, unrun and uncounted [F4]`() async throws {
        let rig = Rig()
        let began = Gate()
        let job = try await rig.push()
        let worker = rig.worker(
            JobHandler("t") { _ in
                began.open()
                try await untilCancelled()
            })
        let run = Task { try await worker.run() }
        await began.wait()

        await worker.drain(within: .milliseconds(20))
        try await run.value

        let held = try #require(try await rig.held(job.id))
        #expect(held.status == .pending)
        #expect(held.attempts == 0)
        #expect(held.crashes == 0)
    }

    /// A client of a store throws an error of its own when its task is cancelled.
    private struct RequestAborted: Error {}

    @Test
    func `hands back a job whose handler throws its own kind of cancelled, also in its last attempt [F4]`()
        async throws
    {
        let rig = Rig()
        let began = Gate()
        let job = try await rig.push(maxAttempts: 1)
        let worker = rig.worker(
            JobHandler("t") { _ in
                began.open()
                do { try await untilCancelled() } catch { throw RequestAborted() }
            })
        let run = Task { try await worker.run() }
        await began.wait()

        await worker.drain(within: .milliseconds(20))
        try await run.value

        let held = try #require(try await rig.held(job.id))
        #expect(held.status == .pending && held.attempts == 0 && held.crashes == 0)
    }

    @Test func `obeys a cancellation during its drain [F4]`() async throws {
        let rig = Rig()
        let began = Gate()
        let job = try await rig.push()
        let worker = rig.worker(
            JobHandler("t") { _ in
                began.open()
                try await untilCancelled()
            })
        let run = Task { try await worker.run() }
        await began.wait()
        let drain = Task { await worker.drain(within: .seconds(3600)) }
        try await eventually("it says that it drains") { rig.queue.count(of: .heartbeat) >= 2 }

        run.cancel()
        await drain.value

        await #expect(throws: CancellationError.self) { try await run.value }
        #expect(try await rig.held(job.id)?.status == .pending)
    }

    @Test func `cancels a job that is cancelled during its drain [F4]`() async throws {
        let rig = Rig()
        let began = Gate()
        let job = try await rig.push()
        let worker = rig.worker(
            WorkerConfiguration(heartbeat: .milliseconds(20)),
            JobHandler("t") { _ in
                began.open()
                try await untilCancelled()
            })
        let run = Task { try await worker.run() }
        await began.wait()
        let drain = Task { await worker.drain(within: .seconds(3600)) }
        try await eventually("it says that it drains") { rig.queue.count(of: .heartbeat) >= 2 }

        _ = try await rig.memory.cancel(job.id, tombstone: nil)
        await drain.value
        try await run.value

        #expect(try await rig.ended(job.id) == .cancelled)
    }

    @Test func `hands back a job whose handler ignores its cancellation, for later [F4]`() async throws {
        let rig = Rig()
        let (began, finish) = (Gate(), Gate())
        let job = try await rig.push(maxAttempts: 1, maxCrashes: 1)
        let worker = rig.worker(
            JobHandler("t") { _ in
                began.open()
                await finish.wait()
            })
        let run = Task { try await worker.run() }
        await began.wait()

        await worker.drain(within: .zero)
        try await run.value

        let held = try #require(try await rig.held(job.id))
        #expect(held.status == .scheduled && held.attempts == 0 && held.crashes == 0)
        finish.open()
    }

    @Test func `by cancellation hands its jobs back at once [F4]`() async throws {
        let rig = Rig()
        let began = Gate()
        let job = try await rig.push()
        let worker = rig.worker(
            JobHandler("t") { _ in
                began.open()
                try await untilCancelled()
            })
        let run = Task { try await worker.run() }
        await began.wait()

        run.cancel()

        await #expect(throws: CancellationError.self) { try await run.value }
        #expect(try await rig.held(job.id)?.status == .pending)
    }

    @Test func `leaves no task behind [F4]`() async throws {
        let rig = Rig()
        weak var left: Worker?
        do {
            let worker = rig.worker(JobHandler("t") { _ in })
            left = worker
            let job = try await rig.push()
            let run = Task { try await worker.run() }
            try await rig.eventuallyEnded(job.id, .completed)
            await worker.drain(within: .seconds(5))
            try await run.value
        }

        try await eventually("nothing holds the worker") { left == nil }
    }

    @Test func `shows in the ledger what it runs, and that it stopped [F12, P17]`() async throws {
        let rig = Rig()
        let (began, finish) = (Gate(), Gate())
        let job = try await rig.push()
        let mirror = Mirror(queue: rig.memory, ledger: rig.ledger)
        let configuration = WorkerConfiguration(
            concurrency: 3, heartbeat: .milliseconds(20), id: WorkerID("w1"))
        let worker = rig.worker(
            configuration,
            JobHandler("t") { _ in
                began.open()
                await finish.wait()
            })

        let run = Task { try await worker.run() }
        await began.wait()
        var busy: WorkerRow?
        try await eventually("a beat names the job") {
            _ = try await mirror.step()
            busy = try await rig.ledger.workers().first { $0.beat.running == [job.id] }
            return busy != nil
        }
        finish.open()
        await worker.drain(within: .seconds(5))
        try await run.value
        while try await mirror.step() > 0 {}

        #expect(busy?.beat.id == WorkerID("w1") && busy?.beat.status == .running)
        #expect(busy?.beat.types == ["t"] && busy?.beat.concurrency == 3 && busy?.beat.queues == [.default])
        let end = try await rig.ledger.workers()
        #expect(end.map(\.beat.status) == [.stopped] && end[0].beat.running.isEmpty)
    }
}
