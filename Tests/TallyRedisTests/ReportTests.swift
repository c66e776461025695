import TallyCore
import TallyTesting
import TestSupport
import Testing

@testable import TallyRedis

private let start = Timestamp(microseconds: 1_893_456_000_000_000)
private func at(_ seconds: Int) -> Timestamp { start + .seconds(seconds) }

private func job(_ unique: UniqueKey? = nil, crashes: Int = 3) -> JobRecord {
    JobRecord(type: "t", queue: "q", maxCrashes: crashes, unique: unique, createdAt: start)
}
private func wish(_ limit: Int, lease: Duration = .seconds(30)) -> ReserveWish {
    ReserveWish(["q"], limit: limit, lease: lease, worker: WorkerID("w"))
}

/// What others' users reported, each once. The names say which report.
@Suite(.serialized) struct `A failure that another system met` {
    private let clock = ManualClock(start)

    private func withStore(_ body: (RedisQueue, RawRedis, _ prefix: String) async throws -> Void) async throws
    {
        try await withQueue(clock: clock) { queue, namespace in
            try await body(queue, RawRedis(url: Servers.redisURL), RedisKey.prefix(namespace))
        }
    }
    private func withOwnRedis(_ body: (RedisQueue, RawRedis) async throws -> Void) async throws {
        try await PrivateRedis.with { redis in
            try await withQueue(url: redis.url, clock: clock) { queue, _ in
                try await body(queue, RawRedis(url: redis.url))
            }
        }
    }
    private func push(_ count: Int, _ queue: RedisQueue) async throws -> [JobRecord] {
        let jobs = (0..<count).map { _ in job() }
        for part in stride(from: 0, to: count, by: 500) {
            let chunk = jobs[part..<min(count, part + 500)].map { Push($0) }
            clock.set(start)
            _ = try await queue.push(chunk, issued: nil)
        }
        return jobs
    }

    @Test(arguments: ["reserve", "extend", "ack", "retry", "fail", "release", "reclaim"])
    func `a script that breaks half way leaves no job in between (asynq 1051)`(_ verb: String) async throws {
        try await withOwnRedis { queue, redis in
            let jobs = try await push(3, queue)
            clock.set(start)
            let leases = try await queue.reserve(wish(2)).jobs.map(\.lease)
            // The right to write to the log, which is what each verb does after its other writes.
            try redis("ACL", "SETUSER", "default", "-xadd")
            let error = await caught(QueueError.self) {
                clock.set(at(verb == "reclaim" ? 60 : 1))
                switch verb {
                case "reserve": _ = try await queue.reserve(wish(1))
                case "extend": _ = try await queue.extend(leases, by: .seconds(60))
                case "ack": _ = try await queue.settle(leases.map { .ack($0) })
                case "retry":
                    let retries = leases.map { Settlement.retry($0, runAt: at(5), attempts: 1, error: "e") }
                    _ = try await queue.settle(retries)
                case "fail":
                    _ = try await queue.settle(leases.map { .fail($0, attempts: 1, error: "e") })
                case "release": _ = try await queue.settle(leases.map { .release($0) })
                default: _ = try await queue.reclaim(10)
                }
            }
            try redis("ACL", "SETUSER", "default", "+xadd")

            #expect(error != nil || verb == "extend")
            // Whatever was half done: every job that has not ended runs, once, and ends.
            var ended: Set<JobID> = []
            for round in 1...6 {
                clock.set(at(100 * round))
                let taken = try await queue.reserve(wish(10)).jobs
                #expect(Set(taken.map(\.record.id)).count == taken.count)
                clock.set(at(100 * round + 1))
                let answers = try await queue.settle(taken.map { .ack($0.lease) })
                #expect(answers.allSatisfy { $0 == .settled(.completed) })
                ended.formUnion(taken.map(\.record.id))
            }
            clock.set(at(1000))
            let view = try await queue.inspect(jobs.map(\.id))
            #expect(view.held.isEmpty)
            #expect(view.ended.count == 3)
        }
    }

    @Test func `a missing body does not stop the reclaiming of others (asynq 709)`() async throws {
        try await withStore { queue, redis, prefix in
            let jobs = try await push(3, queue)
            clock.set(start)
            _ = try await queue.reserve(wish(3, lease: .seconds(10)))
            try redis.send([Array("HDEL".utf8), Array(RedisKey.body.behind(prefix).utf8), jobs[1].id.bytes])

            clock.set(at(11))
            #expect(try await queue.reclaim(10) == 2)

            clock.set(at(12))
            let again = try await queue.reserve(wish(3)).jobs
            #expect(Set(again.map(\.record.id)) == [jobs[0].id, jobs[2].id])
        }
    }

    @Test func `a job deleted while it runs refuses its end and disturbs no other (river 1308)`() async throws
    {
        try await withStore { queue, redis, prefix in
            let jobs = try await push(2, queue)
            clock.set(start)
            let leases = try await queue.reserve(wish(2)).jobs.map(\.lease)
            try redis.send([Array("HDEL".utf8), Array(RedisKey.body.behind(prefix).utf8), jobs[0].id.bytes])

            clock.set(at(1))
            let retried = try await queue.settle(
                [.retry(leases[0], runAt: nil, attempts: 1, error: "e")])
            let answers = try await queue.settle(leases.map { .ack($0) })

            #expect(retried == [.refused(.notProcessing)])
            #expect(answers == [.settled(.completed), .settled(.completed)])  // what was done is done
        }
    }

    @Test func `many leases without a job do not keep a live one waiting (river 1318)`() async throws {
        try await withStore { queue, redis, prefix in
            let jobs = try await push(251, queue)
            clock.set(start)
            _ = try await queue.reserve(wish(250, lease: .seconds(5)))
            let live = try await queue.reserve(wish(1, lease: .seconds(9))).jobs
            for job in jobs where job.id != live.first?.record.id {
                try redis.send([Array("HDEL".utf8), Array(RedisKey.body.behind(prefix).utf8), job.id.bytes])
            }

            var taken = 0
            clock.set(at(10))
            for _ in 0..<4 { taken += try await queue.reclaim(Limits.sweepPerCall) }

            #expect(taken == 1)
            clock.set(at(11))
            #expect(
                try await queue.reserve(wish(1)).jobs.map(\.record.id) == live.map(\.record.id))
        }
    }

    @Test func `leases that lapse together come back a hundred a call (PostHog 71361)`() async throws {
        try await withStore { queue, _, _ in
            _ = try await push(2000, queue)
            clock.set(start)
            for _ in 0..<4 { _ = try await queue.reserve(wish(500, lease: .seconds(5))) }

            clock.set(at(6))
            #expect(try await queue.reclaim(Limits.sweepPerCall) == Limits.sweepPerCall)

            #expect(try await queue.counts().first?.expired == 1900)
            #expect(try await queue.counts().first?.pending == 100)
        }
    }

    @Test func `a job requeued after its crash cap may crash again (bullmq 3555)`() async throws {
        try await withStore { queue, _, _ in
            let record = job(crashes: 2)
            clock.set(start)
            _ = try await queue.push([Push(record, isRecorded: true)], issued: nil)
            for second in [0, 10] {
                clock.set(at(second))
                _ = try await queue.reserve(wish(1, lease: .seconds(5)))
                clock.set(at(second + 6))
                _ = try await queue.reclaim(1)
            }
            clock.set(at(20))
            #expect(try await queue.inspect([record.id]).ended[record.id]?.status == .failed)
            let version = try #require(
                try await queue.inspect([record.id]).ended[record.id]?.version)
            let issued = Issued(epoch: try await queue.history().epoch, at: at(20))

            let requeue = Push(record, version: version + 1, runAt: nil, attempts: 0)
            #expect(try await queue.push([requeue], issued: issued) == [.pushed])
            let taken = try await queue.reserve(wish(1, lease: .seconds(5))).jobs
            #expect(taken.map(\.crashes) == [0])
            clock.set(at(26))
            _ = try await queue.reclaim(1)

            #expect(try await queue.inspect([record.id]).held[record.id]?.status == .pending)
        }
    }

    @Test func `a unique job is not its own duplicate, however it comes back (river 0.12.1)`() async throws {
        try await withStore { queue, _, _ in
            let record = job(UniqueKey("only"))
            clock.set(start)
            _ = try await queue.push([Push(record)], issued: nil)
            func lease(_ second: Int) async throws -> Lease {
                clock.set(at(second))
                let taken = try await queue.reserve(wish(1, lease: .seconds(5))).jobs
                return try #require(taken.first).lease
            }
            let first = try await lease(0)
            clock.set(at(1))
            let retried = try await queue.settle([.retry(first, runAt: at(2), attempts: 1, error: "e")])
            let second = try await lease(3)
            clock.set(at(4))
            let released = try await queue.settle([.release(second, runAt: at(5))])
            _ = try await lease(6)
            clock.set(at(20))
            #expect(try await queue.reclaim(1) == 1)
            let other = try await queue.push([Push(job(UniqueKey("only")))], issued: nil)
            let third = try await lease(21)
            clock.set(at(22))
            let acked = try await queue.settle([.ack(third)])

            #expect(retried == [.settled(.retrying)])
            #expect(released == [.settled(.scheduled)])
            #expect(other == [.duplicate(of: record.id)])
            #expect(acked == [.settled(.completed)])
        }
    }
}
