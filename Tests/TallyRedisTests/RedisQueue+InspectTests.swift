import TallyCore
import TallyTesting
import Testing

@testable import TallyRedis
@testable import TestSupport

private let start = Timestamp(microseconds: 1_700_000_000_000_000)

@Suite(.serialized) struct `The counts of the queue` {
    private let clock = ManualClock(start)

    private func job(_ queue: QueueName = "q", runAt: Timestamp? = nil) -> JobRecord {
        JobRecord(type: "t", queue: queue, runAt: runAt, createdAt: start)
    }

    private func push(_ jobs: [JobRecord], _ queue: RedisQueue, isRecorded: Bool = false) async throws
        -> [PushAnswer]
    {
        var answers: [PushAnswer] = []
        for part in stride(from: 0, to: jobs.count, by: 500) {
            let some = jobs[part..<min(part + 500, jobs.count)].map { Push($0, isRecorded: isRecorded) }
            clock.set(start)
            answers += try await queue.push(some, issued: nil)
        }
        return answers
    }

    @Test func `hold with 3,000 queues, and queues that nothing waits in are forgotten [H9]`() async throws {
        try await withQueue(clock: clock) { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            func known() throws -> Int64? { try raw("SCARD", RedisKey.queues.of(namespace)).number }
            let jobs = (0..<3000).map { job(QueueName("q\($0)"), runAt: $0 < 10 ? start + .seconds(5) : nil) }
            _ = try await push(jobs, queue)

            #expect(try await queue.queueNames().count == 3000)
            clock.set(start)
            let counts = try await queue.counts()
            #expect(counts.count == 3000)
            #expect(counts.map(\.pending).reduce(0, +) == 2990 && counts.map(\.waiting).reduce(0, +) == 10)

            for job in jobs[100...] { _ = try await queue.cancel(job.id, tombstone: nil) }
            let wish = ReserveWish(
                (10..<70).map { QueueName("q\($0)") }, limit: 60, lease: .seconds(60), worker: WorkerID("w"))
            let held = try await queue.reserve(wish).jobs
            _ = try await queue.queueNames()
            // 10 have a scheduled job, 30 a pending one. What is leased waits in no queue.
            #expect(try known() == 40)
            #expect(try await queue.counts().count == 100)

            let release = held.map { Settlement.release($0.lease, runAt: nil) }
            _ = try await queue.settle(release)
            #expect(try known() == 100)
            clock.set(start + .seconds(5))
            #expect(try await queue.promote(100) == 10)
            clock.set(start)
            #expect(try await queue.counts().allSatisfy { $0.pending == 1 })
        }
    }

    @Test func `of the window have scheduled jobs in them and cancelled ones not [P22]`() async throws {
        try await PrivateRedis.with { redis in
            try await withQueue(url: redis.url, clock: clock) { queue, _ in
                try LibraryMutation.smallWindow.load(into: RawRedis(url: redis.url))
                let later = start + .seconds(60)
                let jobs = [job(), job(), job(runAt: later), job(runAt: later)]
                #expect(try await push(jobs, queue) == [.pushed, .pushed, .pushed, .pushed])
                let more = [job()]
                #expect(try await push(more, queue, isRecorded: true) == [.full])
                #expect(try await push([job("other")], queue) == [.pushed])

                clock.set(start)
                _ = try await queue.cancel(jobs[0].id, tombstone: nil)
                #expect(try await push(more, queue, isRecorded: true) == [.pushed])
                #expect(try await push([job()], queue, isRecorded: true) == [.full])
                _ = try await queue.cancel(jobs[2].id, tombstone: nil)
                #expect(try await push([job(runAt: later)], queue, isRecorded: true) == [.pushed])

                // The outdated element is dropped here, and no longer stands for anything.
                let wish = ReserveWish(["q"], limit: 2, lease: .seconds(60), worker: WorkerID("w"))
                let leased = try await queue.reserve(wish).jobs
                #expect(leased.map(\.record.id) == [jobs[1].id])
                clock.set(later)
                #expect(try await queue.promote(10) == 2)
                #expect(try await push([job()], queue, isRecorded: true) == [.pushed])
                #expect(try await push([job()], queue, isRecorded: true) == [.full])
            }
        }
    }

    @Test func `are made anew when an older program has moved jobs without counting [I8, P22]`() async throws
    {
        try await PrivateRedis.with { redis in
            try await withQueue(url: redis.url, clock: clock) { queue, namespace in
                let raw = try RawRedis(url: redis.url)
                let prefix = RedisKey.prefix(namespace)
                func later() throws -> Int64? { try raw("HGET", RedisKey.later.behind(prefix), "q").number }
                let jobs = (0..<1200).map { job(runAt: start + .seconds(10 + $0)) }
                _ = try await push(jobs, queue)
                #expect(try later() == 1200)

                // What an older program leaves: entries of which nobody kept count.
                try raw("HSET", RedisKey.later.behind(prefix), "q", "7")
                try raw("HINCRBY", RedisKey.meta.behind(prefix), "seq", "1")
                clock.set(start)
                for _ in 0..<2 { _ = try await queue.promote(100) }
                #expect(try later() == 1000)
                // Both before and after the place that the counting has come to.
                _ = try await queue.cancel(jobs[3].id, tombstone: nil)
                _ = try await queue.cancel(jobs[1100].id, tombstone: nil)
                _ = try await push(
                    [job(runAt: start + .seconds(1)), job(runAt: start + .seconds(9000))], queue)
                #expect(try later() == 1000)
                clock.set(start + .seconds(11))
                #expect(try await queue.promote(100) == 3)
                _ = try await queue.promote(100)

                #expect(try later() == 1197)
                clock.set(start)
                #expect(try await queue.counts().first?.waiting == 1197)
                #expect(try raw("HGET", RedisKey.meta.behind(prefix), "recount") == .null)
            }
        }
    }
}
