import TallyCore
import Testing

@testable import TallyRedis

@Suite struct `The search for what shard a server was paired as` {
    private let namespace = "n"
    private func search() throws -> OtherShards {
        try OtherShards(RedisConfiguration(url: "redis://h", namespace: namespace))
    }

    @Test func `ends after one question where the server has no keys of another, or shows none`() throws {
        for answer in [RedisReply.integer(0), .error("NOPERM no permissions"), .null] {
            var search = try search()
            #expect(search.question?.first == "EXISTS" && search.question?.count == Limits.shards)
            #expect(search.question?.contains(RedisKey.meta.of(namespace)) == false)

            search.heard(answer)

            #expect(search.question == nil && search.found == nil)
        }
    }

    @Test func `asks one after another, also behind an answer that tells nothing, until one names a shard`()
        throws
    {
        let part = ShardPart(Shard(3), of: ShardMap(count: 4))
        var search = try search()
        search.heard(.integer(1))
        let answers: [RedisReply] = [
            .null, .error("WRONGTYPE x"), .bytes(Array(part.pairedName("\(JobID())").utf8)),
        ]
        for (at, answer) in answers.enumerated() {
            let key = RedisKey.meta.of(namespace, shard: Int16(at + 1))
            #expect(search.question == ["HGET", key, "ledger"] && search.found == nil)
            search.heard(answer)
        }
        #expect(search.question == nil && search.found == part)
    }

    @Test func `ends without one where none is named`() throws {
        var search = try search()
        search.heard(.integer(1))
        var count = 0
        while search.question != nil {
            search.heard(.null)
            count += 1
        }
        #expect(count == Limits.shards - 1 && search.found == nil)
    }
}
