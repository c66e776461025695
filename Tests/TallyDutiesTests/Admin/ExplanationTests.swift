import TallyAdmin
import TallyCore
import TallyMemory
import TallyRuntime
import TallyTesting
import Tallystick
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
            #expect(text.contains { $0.hasSuffix(" 502") }, "the first error, though another came after it")
        }
        #expect(
            Set(found.json.keys) == [
                "id", "type", "queue", "now", "redis", "postgres", "in_redis", "in_postgres", "outbox",
                "history", "next", "unasked", "progress", "log",
            ])
        #expect(found.json["in_redis"] as? String == "absent")
        let history = try #require(found.json["history"] as? [[String: Any]])
        #expect(history.count == found.steps.count)
        let errors = history.compactMap { $0["error"] as? String }.filter { !$0.isEmpty }
        #expect(errors == ["502", "\u{1B}[2Jbad " + long], "that of every attempt")
        let told = try #require(try await s.admin.inspect(job.id))
        let inspected = (told.json["history"] as? [[String: Any]])?.compactMap { $0["error"] as? String }
        #expect(inspected?.filter { !$0.isEmpty } == errors)
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

    @Test func `of a running job says how far its handler is, in this lease alone`() async throws {
        let s = Shards(1)
        let job = s.record(on: 0)
        try await s.client(.queued).enqueue(job)
        let lease = try #require(try await s.reserve(1).jobs.first).lease
        func say(_ fraction: Double, version: Int) async throws {
            var beat = WorkerBeat(
                id: WorkerID("w"), status: .running, queues: [job.queue], types: [job.type],
                running: [job.id],
                concurrency: 4, startedAt: .now, host: "h", pid: 1)
            let progress = JobProgress(
                job: job.id, version: version, fraction: fraction, text: "page\u{1B} 4", at: .now)
            beat.vitals = WorkerVitals(busy: 1, progress: [progress])
            try await s.sharded.leasing.heartbeat(beat)
            try await s.mirrorAll()
        }
        var watch = JobWatch()

        try await say(0.429, version: lease.version)
        let found = try #require(try await s.admin.explain(job.id))
        #expect(found.situation.progress?.fraction == 0.429)
        #expect((found.json["progress"] as? [String: Any])?["fraction"] as? Double == 0.429)
        let line = found.text(width: 80).first { $0.hasPrefix("progress") }
        #expect(line?.contains("42 %, page") == true && line?.contains("\u{1B}") == false)
        let (first, second) = (watch.changes(in: found), watch.changes(in: found))
        #expect(first.contains { $0.json["progress"] as? Double == 0.429 } && second.isEmpty)

        _ = try await s.sharded.leasing.settle([.retry(lease, runAt: nil, attempts: 1, error: "502")])
        try await s.mirrorAll()
        #expect(try await s.admin.explain(job.id)?.situation.progress == nil)
        _ = try await s.reserve(1)
        try await s.mirrorAll()
        #expect(try await s.admin.explain(job.id)?.situation.progress == nil, "said in the lease before")
    }

    @Test func `has what the handlers logged, by attempt`() async throws {
        let s = Shards(1)
        let job = try await failed(s)
        var beat = WorkerBeat(
            id: WorkerID("w"), status: .running, queues: [job.queue], types: [job.type], running: [],
            concurrency: 4, startedAt: .now, host: "h", pid: 1)
        let first = AttemptLine(
            job: job.id, epoch: 1, version: 2, number: 1, at: .now, text: "\u{1B}one " + long)
        let second = AttemptLine(job: job.id, epoch: 1, version: 3, number: 1, at: .now, text: "two")
        beat.lines = [second, first]
        try await s.sharded.leasing.heartbeat(beat)
        try await s.mirrorAll()

        let found = try #require(try await s.admin.explain(job.id))

        #expect(found.lines == [first, second] && found.unasked.isEmpty)
        let log = try #require(found.json["log"] as? [[String: Any]])
        #expect(log.map { $0["version"] as? Int } == [2, 3] && log[1]["text"] as? String == "two")
        let text = found.text(width: 80)
        #expect(text.contains("What its handler logged") && text.contains { $0.hasSuffix("v3    two") })
        #expect(text.allSatisfy { $0.count <= 80 && !$0.contains("\u{1B}") }, "\(text)")
    }

    @Test func `says that what handlers logged is not shown to a login that may not read it`() async throws {
        let s = Shards(1)
        let job = try await failed(s)
        let ledger = FaultyLedger(s.ledger)
        ledger.inject(.refuse(.denied), on: .lines)

        let found = try #require(
            try await Admin(queue: s.sharded, ledger: ledger.store).explain(job.id))

        #expect(found.lines.isEmpty && found.unasked.map(\.what) == ["log"])
        #expect(found.unasked.first?.why.hasPrefix("not shown, for this login may not read it") == true)
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

/// Both real stores, and a ledger that can fail.
@Suite struct `An explanation without the lineage` {
    @Test func `has all else that the ledger told, and says what could not be asked`() async throws {
        try await withScratch { scratch in
            let job = JobRecord(type: "t", queue: "q")
            _ = try await scratch.ledger.record([job])
            let faulty = FaultyLedger(scratch.ledger)
            let admin = Admin(queue: ShardedQueue(scratch.queue.store), ledger: faulty.store)
            faulty.inject(.refuse(.transient), on: .replay)

            let found = try #require(try await admin.explain(job.id))

            #expect(found.unasked.map(\.what) == ["lineage"] && found.lineage.isEmpty)
            #expect(found.report.inLedger == .pending && found.situation.hasOutbox)
        }
    }
}

/// Both real stores.
@Suite struct `What an explanation counts before a job` {
    @Test func `has neither ended nor moved on, nor is it parked [H1]`() async throws {
        try await withScratch { scratch in
            let jobs = (0..<6).map { JobRecord(type: $0 == 1 ? "held" : "t", queue: "q") }
            let store = scratch.queue.store
            _ = try await store.enqueueing.push(jobs.map { Push($0) }, issued: nil)
            let admin = Admin(queue: ShardedQueue(store), ledger: scratch.ledger.store)
            func ahead(of job: JobRecord) async throws -> Int? {
                try #require(try await admin.explain(job.id)).situation.ahead
            }
            #expect(try await ahead(of: jobs[5]) == 5)

            _ = try await store.control.cancel(jobs[0].id, tombstone: nil)
            #expect(try await ahead(of: jobs[5]) == 4)
            let types = try #require(store.types)
            try await types.pauseType("held", true)
            #expect(try await ahead(of: jobs[5]) == 3)
            // It goes behind all others, and its old place counts for nobody.
            let changes = try #require(store.changes)
            _ = try await changes.change(jobs[2].id, runAt: nil, priority: .normal)
            #expect(try await ahead(of: jobs[5]) == 2)
            #expect(try await ahead(of: jobs[2]) == 3)

            // The next reserve parks it; what stands parked is not before others either.
            let wish = ReserveWish(["q"], limit: 1, lease: .seconds(60), worker: WorkerID("w"))
            var leased: [JobID] = []
            for _ in 0..<16 where leased.count < 2 {
                leased += try await store.leasing.reserve(wish).jobs.map(\.record.id)
            }
            #expect(leased == [jobs[3].id, jobs[4].id])
            #expect(try await ahead(of: jobs[5]) == 0)
        }
    }
}
