import TallyCore
import TestSupport
import Testing

@testable import TallyRedis

/// What a foreign hand wrote. `bad` stands for the job, and for the queue, that it is about.
private struct Damage: Sendable, CustomStringConvertible {
    let command: String
    let key: RedisKey
    /// What follows the key's name.
    let rest: String
    let words: [String]
    var description: String { "\(command) \(key)\(rest) \(words.joined(separator: " "))" }
    init(_ command: String, _ key: RedisKey, of rest: String = "", _ words: String...) {
        (self.command, self.key, self.rest, self.words) = (command, key, rest, words)
    }

    /// Its fields are ids, not queues.
    var isOfJob: Bool { [.detours, .tombs, .body].contains(key) }

    static let all = [
        Damage("HSET", .detours, "bad", "x"), Damage("HSET", .tombs, of: "a", "bad", "x"),
        Damage("HSET", .tombs, of: "b", "bad", ""), Damage("HSET", .body, "bad", ""),
        Damage("HSET", .body, "bad", "xx"), Damage("HSET", .unique, "kdefault\0key", "x"),
        Damage("HSET", .unique, "ibad", "x"), Damage("LPUSH", .ready, of: "default:2", "x"),
        Damage("LPUSH", .ready, of: "default:2", ""), Damage("ZADD", .due, "0", "x"),
        Damage("ZADD", .leases, "0", "x"), Damage("ZADD", .leases, "0", ""),
        Damage("SET", .ready, of: "bad:2", "x"), Damage("HSET", .ready, of: "bad:1", "x", "y"),
        Damage("SET", .wake, of: "bad", "x"), Damage("SET", .large, "x"), Damage("HSET", .later, "bad", "x"),
        Damage("HSET", .outdated, "bad", "x"), Damage("HSET", .turns, "default", "x"),
        Damage("HSET", .duties, "mirror", "x"), Damage("HSET", .meta, "account", "x"),
    ]
}

@Suite struct `A damaged value in Redis` {
    @Test(arguments: Damage.all)
    private func `of one job or one queue stops no call that others are part of`(_ damage: Damage)
        async throws
    {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            func record(_ name: QueueName, key: String? = nil) -> JobRecord {
                JobRecord(
                    type: "t", queue: name, body: Array("{}".utf8), unique: key.flatMap { UniqueKey($0) })
            }
            func push(_ records: JobRecord...) async throws -> [PushAnswer] {
                let issued = try await queue.stamp()
                return try await queue.push(
                    records.map { Push($0, isRecorded: true) }, issued: issued)
            }
            let (bad, good, leased) = (record("bad"), record("default"), record("default"))
            #expect(try await push(leased) == [.pushed])
            let wish = ReserveWish(["default"], limit: 1, worker: WorkerID("w"))
            let lease = try #require(try await queue.reserve(wish).jobs.first?.lease)
            #expect(try await push(bad, good) == [.pushed, .pushed])
            try raw.send(
                [Array(damage.command.utf8), Array(damage.key.of(namespace, damage.rest).utf8)]
                    + damage.words.map { word in
                        if word == "bad", damage.isOfJob { return bad.id.bytes }
                        return word == "ibad" ? [UInt8(ascii: "i")] + bad.id.bytes : Array(word.utf8)
                    })

            let keyed = record("default", key: "key")
            #expect(try await push(record("bad"), keyed).last == .pushed)
            _ = try await push(bad)
            _ = try await queue.promote(10)
            _ = try await queue.reclaim(10)
            let view = try await queue.inspect([bad.id, good.id, keyed.id])
            #expect(view.held[good.id] != nil && view.held[keyed.id] != nil)
            #expect(try await queue.counts().first { $0.queue == "default" }?.pending ?? 0 >= 2)
            for structure in [
                QueueStructure.leases, .due, .ready("default", .normal), .ready("bad", .normal),
                .ready("bad", .high),
            ] {
                _ = try await queue.walk(structure, "", limit: 100)
            }
            _ = try await queue.scan("", limit: 100)
            _ = try await queue.pruneKeys("", limit: 100)
            _ = try await queue.leakedKeys("", limit: 100)
            _ = try await queue.duties()
            #expect(try await queue.settle([.ack(lease, result: [])]) == [.settled(.completed)])
            let both = ReserveWish(["bad", "default"], limit: 10, worker: WorkerID("w"))
            let taken = try await queue.reserve(both)
            #expect(Set(taken.jobs.map(\.record.id)).isSuperset(of: [good.id, keyed.id]))
            let acks = taken.jobs.map { Settlement.ack($0.lease, result: []) }
            #expect(try await queue.settle(acks).allSatisfy { $0 == .settled(.completed) })
        }
    }

    private static let places: [(key: RedisKey, losesJobs: Bool)] =
        [.body, .detours, .tombs, .due, .leases].map { ($0, true) }
        + [.turns, .later, .outdated, .workers, .duties, .queues].map { ($0, false) }
    /// No call of the life below comes to them: the turns count where several priorities wait, the others where
    /// somebody reports.
    private static let unmet: Set<RedisKey> = [.turns, .workers, .duties]

    @Test(arguments: places)
    func `in the place of a whole key goes aside as a call that met it connects anew`(
        _ key: RedisKey, _ losesJobs: Bool
    ) async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let rest = key == .tombs ? "a" : ""
            _ = try await queue.push([Push(JobRecord(type: "t"))], issued: nil)
            let epoch = try await queue.history().epoch
            try raw("DEL", key.of(namespace, rest))
            try raw("SET", key.of(namespace, rest), "foreign")
            let record = JobRecord(type: "t", unique: UniqueKey("k"))
            let wish = ReserveWish(["default"], limit: 9, worker: WorkerID("w"))
            func life() async throws {
                #expect(try await queue.push([Push(record)], issued: nil).first != .refused)
                let taken = try await queue.reserve(wish)
                _ = try await queue.settle(taken.jobs.map { .ack($0.lease) })
                _ = try await queue.promote(9)
                _ = try await queue.reclaim(9)
            }

            let first = await caught(QueueError.self) { try await life() }
            #expect(first?.code == (Self.unmet.contains(key) ? nil : .damaged), "\(first as Any)")
            let another = try await RedisQueue.open(
                RedisConfiguration(url: Servers.redisURL, namespace: namespace))
            await another.close()
            try await life()

            #expect(try raw("GET", RedisKey.aside.of(namespace, key.behind("", rest))).text == "foreign")
            let history = try await queue.history()
            // Nothing is handed out beside what went, until both halves were compared.
            #expect(losesJobs == (history.epoch > epoch) && history.isHeld == losesJobs)
        }
    }

    @Test(arguments: [RedisKey.unique, .homes, .paused, .large])
    func `in the place of what guards jobs is left for a person, and a call that needs it says so`(
        _ key: RedisKey
    ) async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            _ = try await queue.push([Push(JobRecord(type: "t"))], issued: nil)
            try raw("DEL", key.of(namespace))
            try raw("SET", key.of(namespace), "foreign")
            let another = try await RedisQueue.open(
                RedisConfiguration(url: Servers.redisURL, namespace: namespace))
            let keyed = JobRecord(type: "t", unique: UniqueKey("k"))
            let wish = ReserveWish(["default"], limit: 1, worker: WorkerID("w"))

            let error = await caught(QueueError.self) {
                if key == .paused { _ = try await another.reserve(wish) }
                _ = try await another.push([Push(keyed)], issued: nil)
            }

            // None of these jobs has a large body.
            #expect(error?.code == (key == .large ? nil : .damaged), "\(error as Any)")
            #expect(try raw("GET", key.of(namespace)).text == "foreign")
            await another.close()
        }
    }

    @Test func `that was set aside stays there when another is`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            _ = try await queue.push([Push(JobRecord(type: "t"))], issued: nil)
            let damaged = RedisKey.ready.of(namespace, "default:1")
            for word in ["one", "two", "three"] {
                try raw("SET", damaged, word)
                _ = try await queue.counts()
            }

            let aside = RedisKey.aside.of(namespace, RedisKey.ready.behind("", "default:1"))
            #expect(try raw("GET", aside).text == "one")
            #expect(try raw("GET", aside + ":2").text == "two")
            #expect(try raw("GET", aside + ":3").text == "three")
        }
    }

    @Test func `of a tombstone keeps its job from being run again until the tombstone is gone`() async throws
    {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let record = JobRecord(type: "t")
            let key = Array(RedisKey.tombs.of(namespace, "a").utf8)
            try raw.send([Array("HSET".utf8), key, record.id.bytes, Array("x".utf8)])
            let issued = try await queue.stamp()
            let push = Push(record, isRecorded: true)

            #expect(try await queue.push([push], issued: issued) == [.refused])

            try raw.send([Array("HDEL".utf8), key, record.id.bytes])
            #expect(try await queue.push([push], issued: issued) == [.pushed])
        }
    }
}
