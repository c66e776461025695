import TallyCore
import TallyTesting
import TestSupport
import Testing

@testable import TallyRedis

private let start = Timestamp(microseconds: 1_893_456_000_000_000)

/// A key that a shard has once. Behind `rest` stands the generation.
struct Place: Sendable, CustomStringConvertible {
    let key: RedisKey
    let kind: String
    let rest: String
    var description: String { "\(key)\(rest)" }
    init(_ key: RedisKey, _ kind: String, of rest: String = "") {
        (self.key, self.kind, self.rest) = (key, kind, rest)
    }

    static let all = [
        Place(.log, "stream"), Place(.body, "hash"), Place(.large, "hash"), Place(.detours, "hash"),
        Place(.parkings, "hash"), Place(.due, "sorted set"), Place(.leases, "sorted set"),
        Place(.queues, "set"), Place(.paused, "set"), Place(.turns, "hash"), Place(.later, "hash"),
        Place(.outdated, "hash"), Place(.unique, "hash"), Place(.homes, "hash"),
        Place(.tombs, "hash", of: "a"),
        Place(.tombs, "hash", of: "b"), Place(.workers, "hash"), Place(.duties, "hash"),
    ]
    /// Those that a person frees.
    var isLeft: Bool { [.large, .paused, .unique, .homes].contains(key) }
}

@Suite struct `A foreign value in the place of a key that a shard has once` {
    private func open(_ namespace: String) async throws -> RedisQueue {
        try await RedisQueue.open(RedisConfiguration(url: Servers.redisURL, namespace: namespace))
    }

    @Test(arguments: Place.all)
    private func `is told with its name and its type, where it stands and where it went aside`(
        _ place: Place
    ) async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let name = place.key.of(namespace, place.rest)
            let aside = RedisKey.aside.of(namespace, place.key.behind("", place.rest))
            _ = try await queue.push([Push(JobRecord(type: "t"))], issued: nil)
            #expect(try await queue.foreignKeys(withAside: true) == [])
            try raw("DEL", name)
            try raw("SET", name, "foreign")
            let standing = ForeignKey(key: name, kind: "string", wanted: place.kind)

            #expect(try await queue.foreignKeys(withAside: true) == [standing])
            #expect(try await queue.foreignKeys(withAside: false) == [standing])

            let another = try await open(namespace)
            // A log goes aside as an entry is appended.
            _ = try await another.push([Push(JobRecord(type: "t"))], issued: nil)
            let expected = place.isLeft ? standing : ForeignKey(key: aside, kind: "string", wanted: nil)
            #expect(try await another.foreignKeys(withAside: true) == [expected])
            #expect(try await another.foreignKeys(withAside: false) == (place.isLeft ? [standing] : []))
            await another.close()
            #expect(try raw("GET", place.isLeft ? name : aside).text == "foreign")
        }
    }

    @Test func `is looked for in every such place but the one without which no call begins`() {
        let others: Set<RedisKey> = [.meta, .aside, .ready, .parked, .wake]  // the last three are a queue's

        #expect(Set(Place.all.map(\.key)) == Set(RedisKey.allCases).subtracting(others))
    }

    @Test(arguments: [
        "SET x": "string", "RPUSH x": "list", "HSET x y": "hash", "ZADD 1 x": "sorted set",
        "XADD * x y": "stream",
    ])
    func `is told as what it is`(_ command: String, _ kind: String) async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let name = RedisKey.paused.of(namespace)
            let words = command.split(separator: " ").map(String.init)
            try raw.send(([words[0], name] + words[1...]).map { Array($0.utf8) })

            let found = try await queue.foreignKeys(withAside: false)

            #expect(found == [ForeignKey(key: name, kind: kind, wanted: "set")])
        }
    }

    @Test func `over the paused queues keeps every lease back before anything has moved, and is named`()
        async throws
    {
        let clock = ManualClock(start)
        try await withQueue(clock: clock) { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let name = RedisKey.paused.of(namespace)
            _ = try await queue.push([Push(JobRecord(type: "t", createdAt: start))], issued: nil)
            let wish = ReserveWish([.default], limit: 1, lease: .seconds(30), worker: WorkerID("w"))
            #expect(try await queue.reserve(wish).jobs.count == 1)
            try raw("SET", name, "foreign")
            clock.set(start + .seconds(60))
            let before = try await queue.history()

            let error = await caught(QueueError.self) { try await queue.reserve(wish) }
            let counting = await caught(QueueError.self) { try await queue.counts() }

            for met in [error, counting] {
                #expect(met?.code == .damaged && met?.detail.contains(name) == true, "\(met as Any)")
            }
            // The lease that ran out is there to be taken back, and by the sweep it is.
            #expect(try await queue.reclaim(10) == 1)
            let after = try await queue.history()
            #expect(after.epoch == before.epoch && after.seq == before.seq + 1)
        }
    }

    @Test(arguments: ["ack", "fail", "retry", "cancel", "reclaim"])
    func `over the tombstones ends no job half way: it stands as it stood, and ends once they are free`(
        _ verb: String
    ) async throws {
        let clock = ManualClock(start)
        try await withQueue(clock: clock) { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let record = JobRecord(type: "t", maxCrashes: 1, createdAt: start)
            let wish = ReserveWish([.default], limit: 1, lease: .seconds(30), worker: WorkerID("w"))
            _ = try await queue.push([Push(record)], issued: nil)
            let leases = try await verb == "cancel" ? [] : queue.reserve(wish).jobs.map(\.lease)
            // A retry of a job whose cancellation is asked for ends it.
            if verb == "retry" { _ = try await queue.cancel(record.id, tombstone: nil) }
            func end() async throws {
                switch verb {
                case "ack": _ = try await queue.settle(leases.map { .ack($0) })
                case "fail":
                    _ = try await queue.settle(leases.map { .fail($0, attempts: 1, error: "e") })
                case "retry":
                    let end = leases.map { Settlement.retry($0, runAt: nil, attempts: 1, error: "e") }
                    _ = try await queue.settle(end)
                case "cancel": _ = try await queue.cancel(record.id, tombstone: nil)
                default: _ = try await queue.reclaim(10)
                }
            }
            let before = try await queue.inspect([record.id])
            let tombstones = RedisKey.tombs.of(namespace, "a")
            try raw("SET", tombstones, "foreign")
            clock.set(start + .seconds(verb == "reclaim" ? 60 : 1))

            let error = await caught(QueueError.self) { try await end() }
            try raw("DEL", tombstones)

            #expect(error?.code == .damaged, "\(error as Any)")
            let after = try await queue.inspect([record.id])
            let (job, stood) = (after.held[record.id], before.held[record.id])
            #expect(job != nil && job?.status == stood?.status && job?.version == stood?.version)
            #expect((job?.lease == nil) == (stood?.lease == nil))
            #expect(after.history.end == before.history.end)
            try await end()
            #expect(try await queue.inspect([record.id]).ended[record.id] != nil)
        }
    }

    @Test func `over the tombstones keeps a job that may not begin any more, which ends once they are free`()
        async throws
    {
        let clock = ManualClock(start)
        try await withQueue(clock: clock) { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            try await queue.raiseRecordLayout(to: JobRecord.newestLayout)
            let late = JobRecord(type: "t", createdAt: start, notAfter: start + .seconds(1))
            let other = JobRecord(type: "t", createdAt: start)
            _ = try await queue.push([Push(late), Push(other)], issued: nil)
            let tombstones = RedisKey.tombs.of(namespace, "a")
            try raw("SET", tombstones, "foreign")
            clock.set(start + .seconds(1))
            let wish = ReserveWish([.default], limit: 9, lease: .seconds(30), worker: WorkerID("w"))

            #expect(try await queue.reserve(wish).jobs.map(\.record.id) == [other.id])

            try raw("DEL", tombstones)
            #expect(try await queue.inspect([late.id]).held[late.id]?.status == .pending)
            #expect(try await queue.reserve(wish).jobs.isEmpty)
            #expect(try await queue.inspect([late.id]).ended[late.id]?.status == .cancelled)
        }
    }

    /// Both were popped by one call, which breaks off at the second: the first stands where it belongs by then.
    @Test func `over the list of a job that may not begin loses none of a paused type beside it`()
        async throws
    {
        let clock = ManualClock(start)
        try await withQueue(clock: clock) { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let priority = JobPriority.normal.rawValue
            func list(_ queue: String) -> String { RedisKey.ready.of(namespace, "\(queue):\(priority)") }
            try await queue.raiseRecordLayout(to: JobRecord.newestLayout)
            let parked = JobRecord(type: "a", createdAt: start)
            let late = JobRecord(
                type: "t", queue: "other", createdAt: start, notAfter: start + .seconds(1))
            _ = try await queue.push([Push(parked), Push(late)], issued: nil)
            try await queue.pauseType("a", true)
            // A foreign hand has moved it: it cannot end, and cannot go back to the list of its queue.
            try raw("LMOVE", list("other"), list("default"), "LEFT", "RIGHT")
            try raw("SET", list("other"), "foreign")
            try raw("SET", RedisKey.tombs.of(namespace, "a"), "foreign")
            clock.set(start + .seconds(1))
            let wish = ReserveWish([.default], limit: 9, lease: .seconds(30), worker: WorkerID("w"))

            let error = await caught(QueueError.self) { try await queue.reserve(wish) }

            #expect(error?.code == .damaged, "\(error as Any)")
            #expect(try raw("EXISTS", list("default")).number == 0)
            #expect(try raw("LLEN", RedisKey.parked.of(namespace, "default\0\(priority)a")).number == 1)
        }
    }

    @Test(arguments: [RedisKey.large, .queues, .unique, .homes])
    func `stops a push before any of its jobs stands anywhere, and lets it in once the place is free`(
        _ key: RedisKey
    ) async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let isKeyed = key == .unique || key == .homes
            let body = [UInt8](repeating: 7, count: isKeyed ? 2 : Limits.inlineBodyBytes + 1)
            let jobs = [
                JobRecord(type: "t", runAt: Timestamp.now + .seconds(3600)), JobRecord(type: "t"),
                JobRecord(type: "t", body: body, unique: isKeyed ? UniqueKey("k") : nil),
            ]
            try raw("SET", key.of(namespace), "foreign")

            let error = await caught(QueueError.self) {
                try await queue.push(jobs.map { Push($0) }, issued: nil)
            }
            try raw("DEL", key.of(namespace))

            #expect(error?.code == .damaged, "\(error as Any)")
            for place in [RedisKey.body, .detours, .due] {
                #expect(try raw("EXISTS", place.of(namespace)).number == 0, "\(place)")
            }
            let list = RedisKey.ready.of(namespace, "default:\(JobPriority.normal.rawValue)")
            #expect(try raw("EXISTS", list).number == 0)
            let answers = try await queue.push(jobs.map { Push($0) }, issued: nil)
            #expect(answers == [.pushed, .pushed, .pushed])
        }
    }

    @Test func `over tombstones that have aged goes aside, and is not removed with them`() async throws {
        let clock = ManualClock(start)
        try await withQueue(clock: clock) { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            try raw("SET", RedisKey.tombs.of(namespace, "b"), "foreign")

            for seconds in [0, 1, 62] {
                clock.set(start + .seconds(seconds))
                try await queue.report(applied: try await queue.history().end)
            }

            let aside = RedisKey.aside.of(namespace, RedisKey.tombs.behind("", "b"))
            #expect(try raw("GET", aside).text == "foreign")
            #expect(try raw("EXISTS", RedisKey.tombs.of(namespace, "b")).number == 0)
        }
    }

    @Test func `that went aside is told under each number, whichever of them a person takes away first`()
        async throws
    {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let name = RedisKey.queues.of(namespace)
            let aside = RedisKey.aside.of(namespace, RedisKey.queues.behind(""))
            for word in ["one", "two", "three", "four"] {
                try raw("DEL", name)
                try raw("SET", name, word)
                try await open(namespace).close()
            }
            func told() async throws -> [String] {
                try await queue.foreignKeys(withAside: true).map { String($0.key.dropFirst(aside.count)) }
            }
            #expect(try await told() == ["", ":2", ":3", ":4"])

            try raw("DEL", aside)
            try raw("DEL", aside + ":3")
            #expect(try await told() == [":2", ":4"])
            try raw("DEL", aside + ":2")
            try raw("DEL", aside + ":4")
            #expect(try await told() == [])
        }
    }

    @Test func `that stood where the copies of log entries belong is told as well`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let copies = RedisKey.aside.of(namespace, RedisKey.log.rawValue + ":entries")
            try raw("SET", copies, "foreign")
            try raw("XADD", RedisKey.log.of(namespace), "*", "x", "y")
            _ = try await queue.push([Push(JobRecord(type: "t"))], issued: nil)

            let told = try await queue.foreignKeys(withAside: true)

            #expect(told.count == 1 && told.first?.wanted == nil, "\(told)")
            #expect(try raw("GET", told.first?.key ?? "").text == "foreign")
            #expect(try raw("LLEN", copies).number == 3)
        }
    }

    @Test func `that was a list where the log belongs is told beside copies of log entries`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let name = RedisKey.log.of(namespace)
            try raw("DEL", name)
            try raw("RPUSH", name, "foreign")
            _ = try await queue.push([Push(JobRecord(type: "t"))], issued: nil)
            try raw("XADD", name, "*", "x", "y")
            _ = try await queue.push([Push(JobRecord(type: "t"))], issued: nil)

            let told = try await queue.foreignKeys(withAside: true)

            let aside = RedisKey.aside.of(namespace, RedisKey.log.rawValue)
            #expect(told == [ForeignKey(key: aside, kind: "list", wanted: nil)])
            #expect(try raw("LRANGE", aside, "0", "-1").array?.map(\.text) == ["foreign"])
        }
    }

    @Test func `over a count that begins anew goes aside, and is not removed`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            try raw("HDEL", RedisKey.meta.of(namespace), "counted")
            try raw("SET", RedisKey.later.of(namespace), "foreign")

            _ = try await queue.promote(10)

            let aside = RedisKey.aside.of(namespace, RedisKey.later.behind(""))
            #expect(try raw("GET", aside).text == "foreign")
        }
    }

    @Test(arguments: Place.all.filter { !$0.isLeft })
    func `is no reason to refuse a connection to a new namespace, and goes aside with the next`(
        _ place: Place
    ) async throws {
        try await withQueue { _, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            for key in try raw("KEYS", RedisKey.prefix(namespace) + "*").array ?? [] {
                try raw("DEL", key.text ?? "")
            }
            try raw("SET", place.key.of(namespace, place.rest), "foreign")

            try await open(namespace).close()
            try await open(namespace).close()

            let asides = try raw("KEYS", RedisKey.aside.of(namespace) + "*").array ?? []
            #expect(try asides.map { try raw("GET", $0.text ?? "").text } == ["foreign"])
            let another = try await open(namespace)
            #expect(try await another.push([Push(JobRecord(type: "t"))], issued: nil) == [.pushed])
            #expect(try await another.foreignKeys(withAside: true).count == 1)
            await another.close()
        }
    }

    @Test(arguments: [
        "SET x": "string", "RPUSH x": "list", "SADD x": "set", "ZADD 1 x": "sorted set",
        "XADD * x y": "stream",
    ])
    func `over the key with which every call begins is told as a program opens, and what to do`(
        _ command: String, _ kind: String
    ) async throws {
        try await withQueue { _, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let name = RedisKey.meta.of(namespace)
            let words = command.split(separator: " ").map(String.init)
            try raw("DEL", name)
            try raw.send(([words[0], name] + words[1...]).map { Array($0.utf8) })
            let configuration = try RedisConfiguration(url: Servers.redisURL, namespace: namespace)

            // With the queue alone a program attaches at once; beside a ledger it looks first.
            let attached = await caught(QueueError.self) { try await open(namespace) }
            let looked = await caught(QueueError.self) { try await RedisLook.at(configuration) }

            for error in [attached, looked] {
                #expect(error?.code == .wrongServer, "\(error as Any)")
                let detail = error?.detail ?? ""
                #expect(detail.contains("\(name) is a \(kind), and a hash belongs there"), "\(detail)")
                #expect(detail.contains("RENAME") && detail.contains("TALLY_NAMESPACE"), "\(detail)")
                #expect(!detail.contains("goes aside") && detail.contains("D39.md"), "\(detail)")
            }
            // What the message asks for.
            try raw("RENAME", name, "\(namespace).kept")
            try raw("DEL", "\(namespace).kept")
            try await open(namespace).close()
        }
    }
}
