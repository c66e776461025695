import TallyCore
import TallyDuties
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyRuntime

@Suite struct `A cancellation` {
    private func withDuties(_ rig: Rig, _ body: () async throws -> Void) async throws {
        let mirror = Mirror(queue: rig.memory, ledger: rig.ledger)
        try await beside({ try await mirror.run() }, body)
    }
    /// A job that the queue has not heard of.
    private func recordedAlone(_ rig: Rig) async throws -> JobID {
        rig.queue.inject(.refuse(.unavailable), on: .push)
        let client = rig.client()
        let id = try await client.enqueue(Plain()).id
        await client.drain()
        return id
    }
    private func cancel(_ rig: Rig, _ id: JobID) async throws -> CancelOutcome {
        try await Canceller(queue: rig.queue, ledger: rig.ledger).cancel(id)
    }

    @Test func `of a waiting job means that it never runs, and both halves say so [D11]`() async throws {
        let rig = Rig()
        let runs = Journal<JobID>()
        try await withDuties(rig) {
            let client = rig.client()
            let id = try await client.enqueue(Plain()).id
            await client.drain()

            #expect(try await cancel(rig, id) == .cancelled)

            #expect(try await rig.ledger.jobs([id])[id]?.status == .cancelled)
            let other = try await rig.push("plain")
            try await running(rig.worker(JobHandler("plain") { runs.append($0.id) })) {
                try await rig.eventuallyEnded(other.id, .completed)
            }
            #expect(runs.all == [other.id])
            #expect(try await cancel(rig, id) == .cancelled)
        }
    }

    @Test func `of a running job stops its handler, and it ends as cancelled [D11]`() async throws {
        let rig = Rig()
        let began = Gate()
        let id = try await rig.push().id
        let handler = JobHandler("t") { _ in
            began.open()
            try await untilCancelled()
        }
        let configuration = WorkerConfiguration(lease: .seconds(30), heartbeat: .milliseconds(20))

        try await running(rig.worker(configuration, handler)) {
            await began.wait()
            #expect(try await cancel(rig, id) == .cancelling)
            try await rig.eventuallyEnded(id, .cancelled)
        }
    }

    @Test func `of a running job that completes first comes too late [D11]`() async throws {
        let rig = Rig()
        let (began, finish) = (Gate(), Gate())
        let id = try await rig.push().id
        let handler = JobHandler("t") { _ in
            began.open()
            await finish.wait()
        }

        try await running(rig.worker(handler)) {
            await began.wait()
            #expect(try await cancel(rig, id) == .cancelling)
            finish.open()
            try await rig.eventuallyEnded(id, .completed)
        }
        #expect(try await cancel(rig, id) == .ended(.completed))
    }

    @Test func `of an unknown job finds nothing and writes nothing [D11]`() async throws {
        let rig = Rig()
        let id = JobID()

        #expect(try await cancel(rig, id) == .notFound)
        #expect(try await rig.ended(id) == nil)
    }

    @Test func `of a job that only the ledger has keeps the relay from pushing it [D11]`() async throws {
        let rig = Rig()
        try await withDuties(rig) {
            let id = try await recordedAlone(rig)

            #expect(try await cancel(rig, id) == .cancelled)

            _ = try await Relay(queue: rig.queue, ledger: rig.ledger).step(olderThan: .zero)
            #expect(try await rig.held(id) == nil)
            #expect(try await rig.ledger.jobs([id])[id]?.status == .cancelled)
        }
    }

    @Test func `is uncertain while the queue cannot be reached [D11]`() async throws {
        let rig = Rig()
        let id = try await rig.push().id
        rig.queue.setOutage(.unavailable)

        guard case .uncertain = try await cancel(rig, id) else {
            Issue.record("certain")
            return
        }
    }

    @Test(arguments: [QueueError.Code.wrongServer, .damaged, .full])
    func `is uncertain where the only queue cannot be used, and says why [D11]`(
        _ code: QueueError.Code
    ) async throws {
        let rig = Rig()
        let id = try await rig.push().id
        rig.queue.setOutage(code)

        guard case .uncertain(let why) = try await cancel(rig, id) else {
            Issue.record("certain")
            return
        }
        #expect(why.contains(code.rawValue))
    }

    @Test func `is uncertain where the queue has cancelled and the ledger refuses to hear of it [D11]`()
        async throws
    {
        let rig = Rig()
        let id = try await rig.push().id
        rig.ledger.setOutage(.denied)

        guard case .uncertain(let why) = try await cancel(rig, id) else {
            Issue.record("certain")
            return
        }
        #expect(why.contains("denied"))
        #expect(try await rig.held(id) == nil)
    }

    @Test(arguments: [QueueError.Code.closed, .invalid, .unsupported, .cancelled])
    func `throws what the caller has done wrong [D11]`(_ code: QueueError.Code) async throws {
        let rig = Rig()
        let id = try await rig.push().id
        rig.queue.setOutage(code)

        let error = await #expect(throws: QueueError.self) { try await cancel(rig, id) }
        #expect(error?.code == code)
    }

    @Test func `says that the queue is not opened where only the ledger has the job [D11]`() async throws {
        let rig = Rig()
        try await withDuties(rig) {
            let id = try await recordedAlone(rig)
            let epoch = try rig.memory.startEpoch()

            let outcome = try await cancel(rig, id)

            #expect(outcome == .uncertain(CancelStep.held))
            try await rig.memory.open(epoch: epoch)
            #expect(try await cancel(rig, id) == .cancelled)
        }
    }

    @Test func `goes on when an answer is lost [D11]`() async throws {
        let rig = Rig()
        try await withDuties(rig) {
            let client = rig.client()
            let id = try await client.enqueue(Plain()).id
            await client.drain()
            rig.queue.inject(.dropReply, on: .cancel)
            rig.ledger.inject(.dropReply, on: .recordCancel)

            #expect(try await cancel(rig, id) == .cancelled)
        }
    }
}
