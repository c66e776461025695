import TallyCore
import TallyDuties
import TallyMemory
import TestSupport
import Testing

@testable import TallyRuntime

private struct Boom: Error {}

// What a handler is given, and what it gives back.
extension `A handler` {
    @Test func `sees attempt, key, fence, tags, trace, headers and tenant of each attempt [F11]`()
        async throws
    {
        let rig = Rig()
        let record = JobRecord(
            type: "t", queue: "mail", body: [1, 2], maxAttempts: 3, unique: UniqueKey("k"), tags: ["eu"],
            trace: "00-1", headers: ["h": [0, 255]], tenant: "acme")
        _ = try await rig.memory.push([Push(record)], issued: nil)
        let seen = Journal<JobContext>()
        let worker = rig.worker(
            WorkerConfiguration(queues: ["mail"], id: WorkerID("w7")),
            JobHandler("t", retries: atOnce) { context in
                seen.append(context)
                if context.attempt == 1 { throw Boom() }
            })

        try await running(worker) { try await rig.eventuallyEnded(record.id, .completed) }

        #expect(seen.all.map(\.attempt) == [1, 2])
        for context in seen.all {
            #expect(context.id == record.id && context.type == "t" && context.queue == "mail")
            #expect(context.uniqueKey == "k" && context.tags == ["eu"] && context.trace == "00-1")
            #expect(context.headers == ["h": [0, 255]] && context.tenant == "acme")
            #expect(context.body == [1, 2] && context.worker == WorkerID("w7"))
        }
        let leases = try await rig.moves(record.id).filter { $0.verb == .lease }.map(\.move.version)
        #expect(seen.all.map(\.fence.version) == leases)
    }

    @Test func `stores a result with the completion [D10]`() async throws {
        let rig = Rig()
        let job = try await rig.push()

        try await running(rig.worker(JobHandler("t") { try $0.complete(with: ["pages": 3]) })) {
            try await rig.eventuallyEnded(job.id, .completed)
        }
        let mirror = Mirror(queue: rig.memory, ledger: rig.ledger)
        while try await mirror.step() > 0 {}

        #expect(try await rig.ledger.jobs([job.id])[job.id]?.result == Array(#"{"pages":3}"#.utf8))
    }

    @Test func `whose result is too large fails for good [D10]`() async throws {
        let rig = Rig()
        let job = try await rig.push()
        let handler = JobHandler("t") {
            try $0.complete(bytes: Array(repeating: 0, count: Limits.resultBytes + 1))
        }

        try await running(rig.worker(handler)) { try await rig.eventuallyEnded(job.id, .failed) }
    }
}
