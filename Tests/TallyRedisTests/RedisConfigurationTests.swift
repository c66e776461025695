import TallyCore
import TestSupport
import Testing

@testable import TallyRedis

@Suite struct `A Redis address` {
    @Test(arguments: [
        ("redis://h", "h:6379/0", "", ""), ("redis://h:7000", "h:7000/0", "", ""),
        ("redis://h:7000/3", "h:7000/3", "", ""),
        ("redis://h/", "h:6379/0", "", ""), ("redis://:pw@h:1/2", "h:1/2", "", "pw"),
        ("redis://u:p%40%3Aw@h", "h:6379/0", "u", "p@:w"), ("redis://u@h", "h:6379/0", "u", ""),
        ("redis://:a@b@h", "h:6379/0", "", "a@b"), ("redis://[::1]:7000/1", "::1:7000/1", "", ""),
        ("redis://[::1]", "::1:6379/0", "", ""), ("unix:///run/r.sock", "/run/r.sock db 0", "", ""),
        ("unix:///run/r.sock?db=4", "/run/r.sock db 4", "", ""),
    ])
    func `is read in every good spelling [I4]`(
        _ url: String, _ place: String, _ user: String, _ password: String
    ) throws {
        let configuration = try RedisConfiguration(url: url)

        #expect(configuration.place.replacing(" on \(Host.name)", with: "") == place)
        #expect(configuration.user == user && configuration.password == password)
    }

    @Test(arguments: [
        ("redis://localhost:7000/3", true), ("redis://LocalHost", true), ("redis://127.1.2.3", true),
        ("redis://[::1]/2", true), ("redis://0.0.0.0", true), ("unix:///run/r.sock", true),
        ("redis://10.0.0.7", false), ("redis://redis.internal", false),
    ])
    func `names this machine where it means another server on every machine [D35]`(
        _ url: String, _ isLocal: Bool
    ) throws {
        let place = try RedisConfiguration(url: url).place

        #expect(place.hasSuffix(" on \(Host.name)") == isLocal, "\(place)")
    }

    @Test(arguments: [
        "", " ", "localhost", "http://h", "redis:/h", "redis://", "redis://:s3cret@", "redis://:s3cret@h:0",
        "redis://:s3cret@h:65536", "redis://:s3cret@h:x", "redis://:s3cret@h/x", "redis://:s3cret@h/-1",
        "redis://:s3cret@h/1/2", "redis://:s3cret%4@h", "redis://:s3cret%zz@h", "rediss://:s3cret@h",
        "unix://",
        "unix:///s?x=1", "unix:///s?db=x", "redis://:s3cret@a b", "redis://::1", "redis://:s3cret@h:1?db=2",
        "redis://:s3cret@h\n", "unix:///" + String(repeating: "s", count: 101),
    ])
    func `is refused in every bad one, by name and without the password [P15, I5]`(_ url: String) throws {
        let error = try #require(throws: InvalidSetting.self) { try RedisConfiguration(url: url) }

        #expect(error.setting == "TALLY_REDIS_URL")
        #expect(!error.description.contains("s3cret"))
    }

    @Test(arguments: ["", " ", "a b", "a{b}", "a:b", "ä", "a\n", String(repeating: "n", count: 65)])
    func `goes with a namespace that is a plain word [P15]`(_ namespace: String) throws {
        let error = try #require(throws: InvalidSetting.self) {
            try RedisConfiguration(url: "redis://h", namespace: namespace)
        }

        #expect(error.setting == "TALLY_NAMESPACE")
    }
}

/// Each test has a server of its own.
@Suite(.serialized) struct `A Redis server` {
    private func refusal(_ url: String, namespace: String = "tally") async throws -> QueueError {
        let configuration = try RedisConfiguration(url: url, namespace: namespace)
        return try #require(
            await caught(QueueError.self) {
                let queue = try await RedisQueue.open(configuration)
                await queue.close()
            })
    }

    @Test func `that may evict keys is refused with the command that mends it`() async throws {
        try await PrivateRedis.with(["--maxmemory-policy", "allkeys-lru"]) { redis in
            let error = try await refusal(redis.url)

            #expect(error.code == .wrongServer)
            #expect(error.detail.contains("CONFIG SET maxmemory-policy noeviction"))
        }
    }

    @Test func `that is a replica is refused`() async throws {
        try await PrivateRedis.with { primary in
            try await PrivateRedis.with(["--replicaof", "127.0.0.1 \(primary.port)"]) { replica in
                let error = try await refusal(replica.url)

                #expect(error.code == .wrongServer && error.detail.contains("replica"))
            }
        }
    }

    @Test func `that is a cluster is refused`() async throws {
        try await PrivateRedis.with(["--cluster-enabled", "yes"]) { redis in
            let error = try await refusal(redis.url)

            #expect(error.code == .wrongServer && error.detail.contains("cluster"))
        }
    }

    @Test func `that holds keys of another layout is refused, and its keys stay`() async throws {
        try await PrivateRedis.with { redis in
            let raw = try RawRedis(url: redis.url)
            try raw("HSET", RedisKey.meta.of("tally"), "layout", "9")

            let error = try await refusal(redis.url)

            #expect(error.code == .wrongServer && error.detail.contains("layout 9"))
            #expect(try raw("HGETALL", RedisKey.meta.of("tally")).array?.count == 2)
        }
    }

    @Test func `that wants another password is named, the password is not [I5]`() async throws {
        try await PrivateRedis.with(["--requirepass", "right"]) { redis in
            let bad = redis.url.replacing("127.0.0.1", with: ":s3cret@127.0.0.1")

            let error = try await refusal(bad)

            #expect(error.code == .wrongServer && error.detail.contains("127.0.0.1:\(redis.port)"))
            #expect(!"\(error)".contains("s3cret"))
        }
    }

    @Test func `that is not there answers unavailable at once, with its address [I5]`() async throws {
        let began = ContinuousClock.now

        let error = try await refusal("redis://:s3cret@127.0.0.1:1")

        #expect(error.code == .unavailable && error.detail.contains("127.0.0.1:1/0"))
        #expect(!"\(error)".contains("s3cret"))
        #expect(ContinuousClock.now - began < Limits.connect)
    }
}
