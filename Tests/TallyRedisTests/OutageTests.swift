import TallyCore
import TestSupport
import Testing

@testable import TallyRedis

private func job() -> JobRecord { JobRecord(type: "t", queue: "q") }
private let wish = ReserveWish(["q"], limit: 10, lease: .seconds(60), worker: WorkerID("w"))

private func opened(_ redis: PrivateRedis) async throws -> RedisQueue {
    let queue = try await RedisQueue.open(RedisConfiguration(url: redis.url))
    try await queue.open(epoch: queue.history().epoch)
    return queue
}

/// Each test has a server of its own, and breaks it.
@Suite(.serialized) struct `When Redis` {
    @Test func `is killed, calls fail typed and work again by themselves [F5]`() async throws {
        try await PrivateRedis.with { redis in
            let queue = try await opened(redis)
            redis.kill()

            for _ in 0..<3 {
                let error = await caught(QueueError.self) {
                    try await queue.push([Push(job())], issued: nil)
                }
                #expect(
                    error?.code == .unavailable || error?.code == .uncertain, "\(String(describing: error))")
            }
            try await redis.start()

            #expect(try await queue.push([Push(job())], issued: nil) == [.pushed])
            await queue.close()
        }
    }

    @Test func `answers nothing for too long, the call is uncertain`() async throws {
        try await PrivateRedis.with { redis in
            let configuration = try RedisConfiguration(url: redis.url)
            var quick = configuration
            quick.replyTimeout = .milliseconds(200)
            let queue = try await RedisQueue.open(quick)
            try await queue.open(epoch: queue.history().epoch)
            let record = job()
            redis.freeze()

            let error = await caught(QueueError.self) {
                try await queue.push([Push(record)], issued: nil)
            }
            redis.resume()

            #expect(error?.code == .uncertain)
            let detail = try #require(error?.detail)
            #expect(
                detail.contains("127.0.0.1:\(redis.port)/0")
                    && detail.contains("did not answer within 200 ms"))
            let again = try await queue.push([Push(record)], issued: nil)
            #expect(again == [.exists(same: true)] || again == [.pushed])
            #expect(try await queue.counts().map(\.pending) == [1])
            await queue.close()
        }
    }

    @Test func `restarts, leases stay valid and none is handed out until the epoch is opened [C1]`()
        async throws
    {
        try await PrivateRedis.with { redis in
            let queue = try await opened(redis)
            _ = try await queue.push((0..<3).map { _ in Push(job()) }, issued: nil)
            let one = ReserveWish(["q"], limit: 1, lease: .seconds(60), worker: WorkerID("w"))
            let first = try await queue.reserve(one).jobs[0].lease
            let second = try await queue.reserve(one).jobs[0].lease
            let before = try await queue.history()

            redis.kill()
            try await redis.start()
            let after = try await queue.history()

            #expect(after.epoch > before.epoch && after.isHeld && after.seq == 1)
            #expect(try await queue.log(after: before.end, limit: 9).first?.predecessor == before.end)
            let held = try await queue.reserve(wish)
            #expect(held.isHeld && held.jobs.isEmpty)
            #expect(try await queue.stamp().epoch == 0)
            let extended = try await queue.extend([first], by: .seconds(60))
            guard case .extended(let longer, false) = extended[0] else {
                Issue.record("\(extended)")
                return
            }
            #expect(longer.epoch == first.epoch && longer.version == first.version)
            #expect(
                try await queue.settle([.ack(first), .ack(second)]) == [
                    .settled(.completed), .settled(.completed),
                ])
            try await queue.open(epoch: after.epoch)
            let taken = try await queue.reserve(wish).jobs
            #expect(taken.count == 1 && taken[0].lease.epoch == after.epoch)
            await queue.close()
        }
    }

    @Test func `restarts, a push that was decided in the old epoch is refused`() async throws {
        try await PrivateRedis.with { redis in
            let queue = try await opened(redis)
            let issued = try await queue.stamp()
            redis.kill()
            try await redis.start()
            try await queue.open(epoch: queue.history().epoch)

            #expect(
                try await queue.push([Push(job(), isRecorded: true)], issued: issued) == [.refused])
            await queue.close()
        }
    }

    @Test func `loses its functions under load, no call fails`() async throws {
        try await PrivateRedis.with { redis in
            let queue = try await opened(redis)
            let raw = try RawRedis(url: redis.url)

            let done = Journal<Int>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        for _ in 0..<50 {
                            _ = try await queue.push([Push(job())], issued: nil)
                            done.append(worker)
                        }
                    }
                }
                for _ in 0..<10 {
                    let before = done.count
                    try raw("FUNCTION", "FLUSH")
                    try await eventually("pushes go on") { done.count > before || done.count == 400 }
                }
                try await group.waitForAll()
            }

            try raw("FUNCTION", "FLUSH")
            #expect(try await queue.counts().first?.pending == 400)
            await queue.close()
        }
    }

    @Test func `is full, a push says so and everything that drains goes on [P22]`() async throws {
        try await PrivateRedis.with { redis in
            let queue = try await opened(redis)
            let raw = try RawRedis(url: redis.url)
            _ = try await queue.push((0..<4).map { _ in Push(job()) }, issued: nil)
            let one = ReserveWish(["q"], limit: 2, lease: .seconds(60), worker: WorkerID("w"))
            let leases = try await queue.reserve(one).jobs.map(\.lease)
            try raw("CONFIG", "SET", "maxmemory", "1mb")

            let error = await caught(QueueError.self) {
                try await queue.push([Push(job())], issued: nil)
            }

            #expect(error?.code == .full)
            #expect(try await queue.reserve(one).jobs.count == 2)
            guard case .extended = try await queue.extend([leases[0]], by: .seconds(9))[0] else {
                Issue.record("not extended")
                return
            }
            #expect(try await queue.settle([.ack(leases[0])]) == [.settled(.completed)])
            #expect(
                try await queue.settle([.fail(leases[1], attempts: 1, error: "e")]) == [
                    .settled(.failed)
                ])
            #expect(try await queue.reclaim(9) == 0)
            let late = try await RedisQueue.open(RedisConfiguration(url: redis.url))
            #expect(try await late.history().logLength > 0)
            await late.close()
            try raw("CONFIG", "SET", "maxmemory", "0")
            #expect(try await queue.push([Push(job())], issued: nil) == [.pushed])
            await queue.close()
        }
    }

    @Test(arguments: ["allkeys-lru", "volatile-lru", "volatile-ttl"])
    func `is set to throw keys away while it runs, a check says so`(_ policy: String) async throws {
        try await PrivateRedis.with { redis in
            let queue = try await opened(redis)
            try await queue.verify()
            try RawRedis(url: redis.url)("CONFIG", "SET", "maxmemory-policy", policy)

            let error = await caught(QueueError.self) { try await queue.verify() }

            #expect(error?.code == .wrongServer && error?.detail.contains(policy) == true)
            await queue.close()
        }
    }

    @Test func `is emptied, a new epoch begins and is held [I13]`() async throws {
        try await PrivateRedis.with { redis in
            let queue = try await opened(redis)
            _ = try await queue.push([Push(job())], issued: nil)
            let before = try await queue.history()

            try RawRedis(url: redis.url)("FLUSHALL")
            let after = try await queue.history()

            #expect(after.epoch > before.epoch && after.isHeld)
            #expect(try await queue.reserve(wish).jobs.isEmpty)
            await queue.close()
        }
    }
}
