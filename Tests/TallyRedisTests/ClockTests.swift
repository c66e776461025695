import TallyCore
import Testing

@testable import TallyRedis
@testable import TestSupport

@Suite struct `When the server's clock jumps` {
    @Test func `nothing is reclaimed for one lease, and what is held stays valid [D27, P3]`() async throws {
        try await withExpiredLease { queue, lease, raw, prefix, runID in
            // Neither the last caller nor this one has seen so late an hour.
            let now = try await queue.history().now
            let before = now - .seconds(5)
            try raw("HSET", RedisKey.meta.behind(prefix), "last_now", "\(before.microseconds)")

            let taken = try raw(
                "FCALL", FunctionLibrary.function("reclaim"), "1", prefix, runID, "-\(before.microseconds)",
                "100")

            #expect(taken.array?.last?.number == 0)
            #expect(try await queue.reclaim(100) == 0)
            guard case .extended = try await queue.extend([lease], by: .seconds(60))[0] else {
                Issue.record("a lease that ran out only by the jump was refused")
                return
            }
            #expect(try await queue.settle([.ack(lease)]) == [.settled(.completed)])
        }
    }

    @Test func `a caller that was away alone freezes nothing [D27]`() async throws {
        try await withExpiredLease { queue, _, raw, prefix, runID in
            let before = try await queue.history().now - .seconds(5)

            let taken = try raw(
                "FCALL", FunctionLibrary.function("reclaim"), "1", prefix, runID, "-\(before.microseconds)",
                "100")

            #expect(taken.array?.last?.number == 1)
        }
    }

    /// One job, leased, and the lease moved into the past.
    private func withExpiredLease(
        _ body: (RedisQueue, Lease, RawRedis, _ prefix: String, _ runID: String) async throws -> Void
    ) async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let prefix = RedisKey.prefix(namespace)
            _ = try await queue.push([Push(JobRecord(type: "t", queue: "q"))], issued: nil)
            let wish = ReserveWish(["q"], limit: 1, lease: .seconds(60), worker: WorkerID("w"))
            let lease = try #require(try await queue.reserve(wish).jobs.first).lease
            let past = try await queue.history().now - .seconds(1)
            _ = try raw.send([
                Array("ZADD".utf8), Array(RedisKey.leases.behind(prefix).utf8),
                Array("\(past.microseconds)".utf8),
                lease.token,
            ])
            let runID = try #require(try raw("HGET", RedisKey.meta.behind(prefix), "run_id").text)
            try await body(queue, lease, raw, prefix, runID)
        }
    }
}
