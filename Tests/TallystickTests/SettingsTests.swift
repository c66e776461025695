import TallyCore
import TallyRedis
import Testing

@testable import Tallystick

@Suite struct `A list of Redis addresses` {
    private func shards(_ text: String) throws -> [RedisConfiguration] {
        try Settings(redisURL: text, postgresURL: "postgres://h/d", namespace: "n").redisShards()
    }

    @Test func `of one is the only shard, as it always was`() throws {
        let only = try shards("redis://one:7000/2")
        #expect(only.map(\.part) == [.whole] && only[0].database == 2)
    }

    @Test(arguments: [" ", "\t", "\n", "  \n "])
    func `gives the shards in its order, with white space of any kind between them`(_ space: String) throws {
        let text = ["redis://one", "redis://:secret@two:7000/3", "unix:///tmp/three"]
            .joined(separator: space)
        let found = try shards(text)
        #expect(found.map(\.part.shard) == [Shard(0), Shard(1), Shard(2)])
        #expect(found.allSatisfy { $0.part.map.count == 3 })
        #expect(found.map(\.place)[0].hasPrefix("one:6379/0"))
        #expect(found[1].password == "secret" && found[1].database == 3)
    }

    @Test(arguments: [
        ("redis://one redis://two redis://one", "twice"), ("redis://one redis://two/x", "no number"),
        ("redis://one two", "several addresses have white space between them, and each begins with redis://"),
        ("redis://one two:6379 redis://three", "white space between them"),
        ("redis://one redis://", "no host"),
        ("redis://one , redis://two", "white space alone separates them"),
        ("redis://one rediss://two", "TLS"),
        ("redis://one,redis://two", "white space alone separates them"),
        ("redis://one, redis://two", "white space alone separates them"),
        ("redis://one redis://two;unix:///three", "white space alone separates them"),
        ("redis://one postgres://two", "must begin with redis:// or unix://"),
        ((0...Limits.shards).map { "redis://host\($0)" }.joined(separator: " "), "at most"),
    ])
    func `is refused with what is wrong, and no part of an address`(_ text: String, _ why: String) throws {
        let error = #expect(throws: InvalidSetting.self) { try shards(text) }
        #expect("\(try #require(error))".contains(why), "\(String(describing: error))")
        #expect(error?.description.contains("TALLY_REDIS_URL") == true)
    }

    @Test func `that is not set is told with a command that every installation has`() throws {
        let error = #expect(throws: InvalidSetting.self) { try Settings(layers: []) }
        #expect(error?.description.contains("`tally dev servers start`") == true)
    }
}
