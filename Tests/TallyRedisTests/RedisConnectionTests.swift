import TallyCore
import TestSupport
import Testing

@testable import TallyRedis

extension `When Redis` {
    @Test func `hangs, a connection takes no longer than it may, and says where and why`() async throws {
        try await PrivateRedis.with { redis in
            let url = redis.url.replacing("127.0.0.1", with: ":s3cret@127.0.0.1")
            var quick = try RedisConfiguration(url: url)
            quick.connectTimeout = .milliseconds(200)
            redis.freeze()
            let began = ContinuousClock.now

            let error = await caught(QueueError.self) { try await RedisQueue.open(quick) }
            redis.resume()

            #expect(error?.code == .unavailable && ContinuousClock.now - began < Limits.redisReply)
            let detail = try #require(error?.detail)
            #expect(
                detail.contains("127.0.0.1:\(redis.port)/0")
                    && detail.contains("did not answer within 200 ms"))
            #expect(!detail.contains("s3cret") && !detail.contains("temporarily"))
        }
    }
}
