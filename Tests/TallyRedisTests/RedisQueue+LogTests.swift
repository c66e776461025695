import TallyCore
import TestSupport
import Testing

@testable import TallyRedis

@Suite struct `The log in Redis` {
    @Test
    func `goes on without a gap where a foreign hand has written to it, and keeps what that wrote aside`()
        async throws
    {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            func push() async throws -> [PushAnswer] {
                try await queue.push([Push(JobRecord(type: "t"))], issued: nil)
            }
            #expect(try await push() == [.pushed])
            for note in ["hello", "world"] {
                try raw("XADD", RedisKey.log.of(namespace), "*", "note", note)
            }

            let answers = [try await push(), try await push()]
            let leased = try await queue.reserve(
                ReserveWish([.default], limit: 3, worker: WorkerID("w"))
            ).jobs

            #expect(answers == [[.pushed], [.pushed]] && leased.count == 3)
            let end = try await queue.history().end
            let entries = try await queue.log(after: .start, limit: 100).filter {
                $0.position.epoch == end.epoch
            }
            #expect(entries.map(\.position.seq) == Array(1...end.seq))
            #expect(entries.last?.position == end)
            let aside = try raw(
                "LRANGE", RedisKey.aside.of(namespace, RedisKey.log.rawValue), "0", "-1"
            ).array
            #expect(aside?.count == 6 && aside?.last?.text == "world")
        }
    }
}
