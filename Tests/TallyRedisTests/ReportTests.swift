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
    private func withStore(_ body: (RedisQueue, RawRedis, _ prefix: String) async throws -> Void) async throws
    {
        try await withQueue(hasTestClock: true) { queue, namespace in
            try await body(queue, RawRedis(url: Servers.redisURL), RedisKey.prefix(namespace))
        }
    }
    private func push(_ count: Int, _ queue: RedisQueue) async throws -> [JobRecord] {
        let jobs = (0..<count).map { _ in job() }
        for part in stride(from: 0, to: count, by: 500) {
            let chunk = jobs[part..<min(count, part + 500)].map { Push($0) }
            _ = try await queue.push(chunk, issued: nil, at: start)
        }
        return jobs
    }

    @Test(arguments: ["reserve", "extend", "ack", "retry", "fail", "release", "reclaim"])
    func `a script that breaks half way leaves no job in between (asynq 1051)`(_ verb: String) async throws {
        try await withStore { queue, redis, prefix in
            let jobs = try await push(3, queue)
            let leases = try await queue.reserve(wish(2), at: start).jobs.map(\.lease)
            // A key of the wrong type stands where the verb writes.
            for key in ["log", "due"] {
                try redis("RENAME", "\(prefix):\(key)", "\(prefix):aside-\(key)")
                try redis("SET", "\(prefix):\(key)", "in the way")
            }
            let error = await caught(QueueError.self) {
                switch verb {
                case "reserve": _ = try await queue.reserve(wish(1), at: at(1))
                case "extend": _ = try await queue.extend(leases, by: .seconds(60), at: at(1))
                case "ack": _ = try await queue.ack(leases.map { Ack($0) }, at: at(1))
                case "retry":
                    let retries = leases.map { Retry($0, runAt: at(5), attempts: 1, error: "e") }
                    _ = try await queue.retry(retries, at: at(1))
                case "fail":
                    _ = try await queue.fail(leases.map { Failure($0, attempts: 1, error: "e") }, at: at(1))
                case "release": _ = try await queue.release(leases.map { Release($0) }, at: at(1))
                default: _ = try await queue.reclaim(10, at: at(60))
                }
            }
            for key in ["log", "due"] {
                try redis("DEL", "\(prefix):\(key)")
                try redis("RENAME", "\(prefix):aside-\(key)", "\(prefix):\(key)")
            }

            #expect(error != nil || verb == "extend")
            // Whatever was half done: every job that has not ended runs, once, and ends.
            var ended: Set<JobID> = []
            for round in 1...6 {
                let taken = try await queue.reserve(wish(10), at: at(100 * round)).jobs
                #expect(Set(taken.map(\.record.id)).count == taken.count)
                let answers = try await queue.ack(taken.map { Ack($0.lease) }, at: at(100 * round + 1))
                #expect(answers.allSatisfy { $0 == .settled(.completed) })
                ended.formUnion(taken.map(\.record.id))
            }
            let view = try await queue.inspect(jobs.map(\.id), at: at(1000))
            #expect(view.held.isEmpty)
            #expect(view.ended.count == 3)
        }
    }

    @Test func `a missing body does not stop the reclaiming of others (asynq 709)`() async throws {
        try await withStore { queue, redis, prefix in
            let jobs = try await push(3, queue)
            _ = try await queue.reserve(wish(3, lease: .seconds(10)), at: start)
            try redis.send([Array("HDEL".utf8), Array(RedisKey.body.behind(prefix).utf8), jobs[1].id.bytes])

            #expect(try await queue.reclaim(10, at: at(11)) == 2)

            let again = try await queue.reserve(wish(3), at: at(12)).jobs
            #expect(Set(again.map(\.record.id)) == [jobs[0].id, jobs[2].id])
        }
    }

    @Test func `a job deleted while it runs refuses its end and disturbs no other (river 1308)`() async throws
    {
        try await withStore { queue, redis, prefix in
            let jobs = try await push(2, queue)
            let leases = try await queue.reserve(wish(2), at: start).jobs.map(\.lease)
            try redis.send([Array("HDEL".utf8), Array(RedisKey.body.behind(prefix).utf8), jobs[0].id.bytes])

            let retried = try await queue.retry(
                [Retry(leases[0], runAt: nil, attempts: 1, error: "e")], at: at(1))
            let answers = try await queue.ack(leases.map { Ack($0) }, at: at(1))

            #expect(retried == [.refused(.notProcessing)])
            #expect(answers == [.settled(.completed), .settled(.completed)])  // what was done is done
        }
    }

    @Test func `many leases without a job do not keep a live one waiting (river 1318)`() async throws {
        try await withStore { queue, redis, prefix in
            let jobs = try await push(251, queue)
            _ = try await queue.reserve(wish(250, lease: .seconds(5)), at: start)
            let live = try await queue.reserve(wish(1, lease: .seconds(9)), at: start).jobs
            for job in jobs where job.id != live.first?.record.id {
                try redis.send([Array("HDEL".utf8), Array(RedisKey.body.behind(prefix).utf8), job.id.bytes])
            }

            var taken = 0
            for _ in 0..<4 { taken += try await queue.reclaim(Limits.sweepPerCall, at: at(10)) }

            #expect(taken == 1)
            #expect(
                try await queue.reserve(wish(1), at: at(11)).jobs.map(\.record.id) == live.map(\.record.id))
        }
    }

    @Test func `leases that lapse together come back a hundred a call (PostHog 71361)`() async throws {
        try await withStore { queue, _, _ in
            _ = try await push(2000, queue)
            for _ in 0..<4 { _ = try await queue.reserve(wish(500, lease: .seconds(5)), at: start) }

            #expect(try await queue.reclaim(Limits.sweepPerCall, at: at(6)) == Limits.sweepPerCall)

            #expect(try await queue.counts(at: at(6)).first?.expired == 1900)
            #expect(try await queue.counts(at: at(6)).first?.pending == 100)
        }
    }

    @Test func `a job requeued after its crash cap may crash again (bullmq 3555)`() async throws {
        try await withStore { queue, _, _ in
            let record = job(crashes: 2)
            _ = try await queue.push([Push(record, isRecorded: true)], issued: nil, at: start)
            for second in [0, 10] {
                _ = try await queue.reserve(wish(1, lease: .seconds(5)), at: at(second))
                _ = try await queue.reclaim(1, at: at(second + 6))
            }
            #expect(try await queue.inspect([record.id], at: at(20)).ended[record.id]?.status == .failed)
            let version = try #require(
                try await queue.inspect([record.id], at: at(20)).ended[record.id]?.version)
            let issued = Issued(epoch: try await queue.history().epoch, at: at(20))

            let requeue = Push(record, version: version + 1, runAt: nil, attempts: 0)
            #expect(try await queue.push([requeue], issued: issued, at: at(20)) == [.pushed])
            let taken = try await queue.reserve(wish(1, lease: .seconds(5)), at: at(20)).jobs
            #expect(taken.map(\.crashes) == [0])
            _ = try await queue.reclaim(1, at: at(26))

            #expect(try await queue.inspect([record.id], at: at(26)).held[record.id]?.status == .pending)
        }
    }

    @Test func `a unique job is not its own duplicate, however it comes back (river 0.12.1)`() async throws {
        try await withStore { queue, _, _ in
            let record = job(UniqueKey("only"))
            _ = try await queue.push([Push(record)], issued: nil, at: start)
            func lease(_ second: Int) async throws -> Lease {
                let taken = try await queue.reserve(wish(1, lease: .seconds(5)), at: at(second)).jobs
                return try #require(taken.first).lease
            }
            let retried = try await queue.retry(
                [Retry(try await lease(0), runAt: at(2), attempts: 1, error: "e")], at: at(1))
            let released = try await queue.release([Release(try await lease(3), runAt: at(5))], at: at(4))
            _ = try await lease(6)
            #expect(try await queue.reclaim(1, at: at(20)) == 1)
            let other = try await queue.push([Push(job(UniqueKey("only")))], issued: nil, at: at(20))
            let acked = try await queue.ack([Ack(try await lease(21))], at: at(22))

            #expect(retried == [.settled(.retrying)])
            #expect(released == [.settled(.scheduled)])
            #expect(other == [.duplicate(of: record.id)])
            #expect(acked == [.settled(.completed)])
        }
    }
}
