import TallyAdmin
import TallyCore
import TallyMemory
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties

/// Memory stores that can fail.
@Suite struct `An explanation` {
    private func failed(_ s: Shards) async throws -> JobRecord {
        let job = s.record(on: 0)
        let client = s.client(.recorded)
        try await client.enqueue(job)
        await client.drain()
        let lease = try #require(try await s.reserve(1).jobs.first).lease
        _ = try await s.sharded.leasing.settle([.retry(lease, runAt: nil, attempts: 1, error: "502")])
        let again = try #require(try await s.reserve(1).jobs.first).lease
        _ = try await s.sharded.leasing.settle([.fail(again, attempts: 2, error: "\u{1B}[2Jbad " + long)])
        try await s.mirrorAll()
        return job
    }
    private let long = String(repeating: "reason ", count: 40)

    @Test func `has both halves, every transition and what comes next, in columns and as JSON [H1]`()
        async throws
    {
        let s = Shards(1)
        let job = try await failed(s)

        let found = try #require(try await s.admin.explain(job.id))

        #expect(found.unasked.isEmpty && found.report.inLedger == .failed)
        #expect(found.steps.map(\.event.verb).last == .fail && found.steps.first?.since == nil)
        #expect(found.steps.dropFirst().allSatisfy { $0.since != nil })
        #expect(found.next.map(\.code) == [.failed])
        for width in [80, 100, 120] {
            let text = found.text(width: width)
            #expect(text.allSatisfy { $0.count <= width && !$0.contains("\u{1B}") }, "\(text)")
            #expect(text.contains { $0.contains("REDIS") && $0.contains("POSTGRES") })
            #expect(text.contains { $0.contains("processing → failed") })
            #expect(text.contains { $0.contains("by w, fence ") })
        }
        #expect(
            Set(found.json.keys) == [
                "id", "type", "queue", "now", "redis", "postgres", "in_redis", "in_postgres", "outbox",
                "history",
                "next", "unasked",
            ])
        #expect(found.json["in_redis"] as? String == "absent")
        #expect((found.json["history"] as? [[String: Any]])?.count == found.steps.count)
    }

    @Test func `of a job that waits says whether somebody serves it, and what holds it up [H1]`() async throws
    {
        let s = Shards(1)
        let job = s.record(on: 0)
        try await s.client(.queued).enqueue(job)
        try await s.mirrorAll()
        _ = try await s.admin.pause(job.queue, true)

        let alone = try #require(try await s.admin.explain(job.id))
        #expect(alone.next.map(\.code) == [.waits, .paused, .noWorker])
        try await s.admin.pauseType(job.type, true)
        let both = try #require(try await s.admin.explain(job.id))
        #expect(both.next.map(\.code) == [.waits, .paused, .typePaused, .noWorker])
        try await s.admin.pauseType(job.type, false)

        let beat = WorkerBeat(
            id: WorkerID("w"), status: .running, queues: [job.queue], types: [job.type], running: [],
            concurrency: 4, startedAt: .now, host: "h", pid: 1)
        try await s.sharded.leasing.heartbeat(beat)
        try await s.mirrorAll()
        let served = try #require(try await s.admin.explain(job.id))
        #expect(served.next.map(\.code) == [.waits, .paused, .served])
    }

    @Test func `of a half that is away tells the other, and says which could not be asked [H1]`() async throws
    {
        let s = Shards(1)
        let job = try await failed(s)
        s.queues[0].setOutage(.unavailable)

        let found = try #require(try await s.admin.explain(job.id))

        #expect(found.unasked.map(\.what) == ["redis"] && found.report.inQueue.word == "unknown")
        #expect(found.next.map(\.code) == [.redisAway, .failed])
        #expect(found.text(width: 80).contains { $0.contains("processing → failed") })
        // One that no half which answers has may be in the other.
        await #expect(throws: QueueError.self) { try await s.admin.explain(JobID()) }
        s.queues[0].setOutage(nil)
        #expect(try await s.admin.explain(JobID()) == nil)
    }
}
