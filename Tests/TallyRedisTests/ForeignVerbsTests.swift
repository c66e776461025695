import TallyCore
import TallyTesting
import TestSupport
import Testing

@testable import TallyRedis

private let start = Timestamp(microseconds: 1_893_456_000_000_000)

/// A shard with a job in each state.
private struct Scene: Sendable {
    static let worker = WorkerID("w")
    static let large = [UInt8](repeating: 7, count: Limits.inlineBodyBytes + 1)

    let queue: RedisQueue
    let epoch: Int64
    let pending = Scene.record()
    let scheduled = Scene.record(runAt: start + .seconds(100))
    let keyed = Scene.record(runAt: start + .seconds(100), unique: UniqueKey("k"))
    /// On its first lease; one whose cancellation is asked for; and one that may not crash once.
    let leases: [Lease]

    static func record(
        _ queue: QueueName = .default, _ priority: JobPriority = .normal, body: [UInt8] = [],
        runAt: Timestamp? = nil, maxCrashes: Int = 3, unique: UniqueKey? = nil
    ) -> JobRecord {
        JobRecord(
            type: "t", queue: queue, priority: priority, body: body, runAt: runAt, maxCrashes: maxCrashes,
            unique: unique, createdAt: start)
    }

    init(_ queue: RedisQueue) async throws {
        self.queue = queue
        epoch = try await queue.history().epoch
        let running = [Self.record(), Self.record(), Self.record(maxCrashes: 1)]
        _ = try await queue.push(running.map { Push($0) }, issued: nil)
        leases = try await queue.reserve(Self.wish([.default], 3)).jobs.map(\.lease)
        _ = try await queue.cancel(running[1].id, tombstone: nil)
        let waiting = [
            pending, scheduled, keyed, Self.record(.default, .critical), Self.record("big", body: Self.large),
        ]
        let answers = try await queue.push(waiting.map { Push($0) }, issued: nil)
        #expect(leases.count == 3 && answers.allSatisfy { $0 == .pushed })
    }

    static func wish(_ queues: [QueueName], _ limit: Int) -> ReserveWish {
        ReserveWish(queues, limit: limit, lease: .seconds(30), worker: worker)
    }
    func push(_ records: JobRecord...) async throws -> Bool {
        try await queue.push(records.map { Push($0) }, issued: nil).allSatisfy { $0 == .pushed }
    }
    func settle(_ settlements: Settlement..., to ends: [JobStatus]) async throws -> Bool {
        try await queue.settle(settlements) == ends.map { .settled($0) }
    }
    func retry(_ lease: Int, at time: Timestamp? = nil) -> Settlement {
        .retry(leases[lease], runAt: time, attempts: 1, error: "e")
    }
    func cancel(_ id: JobID) async throws -> Bool {
        switch try await queue.cancel(id, tombstone: nil) {
        case .cancelled, .cancelling: return true
        default: return false
        }
    }
    func changed(
        _ id: JobID, runAt: Timestamp? = nil, priority: JobPriority? = nil, to status: JobStatus
    ) async throws -> Bool {
        let answer = try await queue.change(id, runAt: runAt, priority: priority)
        return answer == .changed(status, version: 2)
    }
    func repair(
        _ id: JobID, _ expected: QueueRepair.Expected, _ action: QueueRepair.Action
    ) -> QueueRepair { QueueRepair(id: id, epoch: epoch, expected: expected, action: action, code: "D01") }
    func repaired(_ repairs: QueueRepair...) async throws -> Bool {
        try await queue.repair(repairs).allSatisfy { $0 }
    }
    /// A push that the ledger asks for.
    func pushed(again record: JobRecord, runAt: Timestamp? = nil) -> QueueRepair {
        repair(record.id, .absent, .push(Push(record, version: 3, runAt: runAt, attempts: 0)))
    }
}

/// A call that writes; it answers whether it has done what it is for.
private struct Change: Sendable, CustomStringConvertible {
    let description: String
    let seconds: Int
    let act: @Sendable (Scene) async throws -> Bool
    init(
        _ description: String, after seconds: Int = 1, _ act: @escaping @Sendable (Scene) async throws -> Bool
    ) {
        (self.description, self.seconds, self.act) = (description, seconds, act)
    }

    static let all = entering + settling + ending + sweeping + repairing
    private static let later = start + .seconds(300)

    private static let entering: [Change] = [
        Change("push at once") { try await $0.push(Scene.record(), Scene.record("other")) },
        Change("push scheduled") { try await $0.push(Scene.record("other", runAt: later), Scene.record()) },
        Change("push keyed") { try await $0.push(Scene.record("other", unique: UniqueKey("l"))) },
        Change("push keyed, scheduled") {
            try await $0.push(Scene.record("other", runAt: later, unique: UniqueKey("l")))
        },
        Change("push large") { try await $0.push(Scene.record(), Scene.record("other", body: Scene.large)) },
        Change("push of a later version") { scene in
            let push = Push(scene.scheduled, version: 2, runAt: start, attempts: 1)
            return try await scene.queue.push([push], issued: nil) == [.pushed]
        },
    ]
    private static let settling: [Change] = [
        Change("ack") { try await $0.settle(.ack($0.leases[0], result: [1]), to: [.completed]) },
        Change("retry at once") { try await $0.settle($0.retry(0), to: [.pending]) },
        Change("retry later") { try await $0.settle($0.retry(0, at: later), to: [.retrying]) },
        Change("retry, one later, one that ends, one at once") { scene in
            try await scene.settle(
                scene.retry(0, at: later), scene.retry(1), scene.retry(2),
                to: [.retrying, .cancelled, .pending])
        },
        Change("fail") { try await $0.settle(.fail($0.leases[0], attempts: 1, error: "e"), to: [.failed]) },
        Change("release at once") { try await $0.settle(.release($0.leases[0]), to: [.pending]) },
        Change("release later") {
            try await $0.settle(.release($0.leases[0], runAt: later), to: [.scheduled])
        },
        Change("extend") { scene in
            guard case .extended = try await scene.queue.extend([scene.leases[0]], by: .seconds(60))[0]
            else { return false }
            return true
        },
    ]
    private static let ending: [Change] = [
        Change("cancel waiting") { try await $0.cancel($0.pending.id) },
        Change("cancel scheduled") { try await $0.cancel($0.scheduled.id) },
        Change("cancel keyed") { try await $0.cancel($0.keyed.id) },
        Change("cancel processing") { try await $0.cancel($0.leases[0].id) },
        Change("cancel what waits, beside what runs") { scene in
            let ids = [scene.pending.id, scene.leases[0].id, scene.scheduled.id, scene.keyed.id]
            let answers = try await scene.queue.cancelWaiting(ids, tombstones: [:], issued: nil)
            let ended = answers.filter { if case .cancelled = $0 { true } else { false } }
            return ended.count == 3 && answers[1] == .processing(version: 2)
        },
        Change("change: later") {
            try await $0.changed($0.pending.id, runAt: later, to: .scheduled)
        },
        Change("change: at once") { try await $0.changed($0.scheduled.id, runAt: start, to: .pending) },
        Change("change: priority") {
            try await $0.changed($0.pending.id, priority: .critical, to: .pending)
        },
    ]
    private static let sweeping: [Change] = [
        Change("reserve") { try await $0.queue.reserve(Scene.wish([.default], 9)).jobs.count == 2 },
        Change("reserve of what ran out and what is due", after: 200) {
            try await $0.queue.reserve(Scene.wish([.default], 9)).jobs.count == 5
        },
        Change("reclaim", after: 60) { try await $0.queue.reclaim(9) == 3 },
        Change("promote", after: 200) { try await $0.queue.promote(9) == 2 },
        Change("heartbeat") { scene in
            try await scene.queue.heartbeat(
                WorkerBeat(
                    id: Scene.worker, status: .running, queues: ["q"], types: ["t"], running: [],
                    concurrency: 1, startedAt: start, host: "h", pid: 1))
            return true
        },
        Change("heartbeat: between two") { scene in
            var beat = WorkerBeat(
                id: Scene.worker, status: .running, queues: ["q"], types: ["t"], running: [],
                concurrency: 1, startedAt: start, host: "h", pid: 1)
            beat.isEarly = true
            return try await scene.queue.heartbeat(beat).hasRoom
        },
        Change("pause") { scene in
            try await scene.queue.pause(.default, true)
            return true
        },
        Change("go on") { scene in
            try await scene.queue.pause(.default, false)
            return true
        },
        Change("pause of a type") { scene in
            try await scene.queue.pauseType("t", true)
            return true
        },
        Change("a type goes on") { scene in
            try await scene.queue.pauseType("t", false)
            return true
        },
    ]
    private static let repairing: [Change] = [
        Change("repair: push") { try await $0.repaired($0.pushed(again: Scene.record("other"))) },
        Change("repair: push scheduled") {
            try await $0.repaired($0.pushed(again: Scene.record("other"), runAt: later))
        },
        Change("repair: end waiting") { scene in
            try await scene.repaired(
                scene.repair(scene.pending.id, .held(.pending, version: 1), .end(.completed, version: 1)))
        },
        Change("repair: end scheduled") { scene in
            try await scene.repaired(
                scene.repair(scene.scheduled.id, .held(.scheduled, version: 1), .end(.cancelled, version: 1)))
        },
        Change("repair: end processing") { scene in
            try await scene.repaired(
                scene.repair(
                    scene.leases[0].id, .held(.processing, version: 2), .end(.completed, version: 2)))
        },
        Change("repair: wait") { scene in
            try await scene.repaired(
                scene.repair(scene.pending.id, .held(.pending, version: 1), .wait(until: later)),
                scene.repair(scene.scheduled.id, .held(.scheduled, version: 1), .wait(until: later)))
        },
        Change("repair: rewrite") { scene in
            try await scene.repaired(
                scene.repair(scene.pending.id, .held(.pending, version: 1), .rewrite(scene.pending)))
        },
        Change("repair: reclaim one that ends, promote", after: 200) { scene in
            try await scene.repaired(
                scene.repair(scene.leases[2].id, .held(.processing, version: 2), .reclaim),
                scene.repair(scene.scheduled.id, .held(.scheduled, version: 1), .promote))
        },
    ]
}

@Suite struct `A call that meets a foreign value in the place of a key` {
    /// A command that leaves a value, and the type of it as Redis names it and as `Place` does.
    private static let kinds: [(words: [String], type: String, kind: String)] = [
        (["SET", "x"], "string", "string"), (["RPUSH", "x"], "list", "list"),
        (["HSET", "x", "y"], "hash", "hash"), (["SADD", "x"], "set", "set"),
        (["ZADD", "1", "x"], "zset", "sorted set"), (["XADD", "*", "x", "y"], "stream", "stream"),
    ]

    /// How much stands in each place where jobs do.
    private func standing(_ raw: RawRedis, _ namespace: String) throws -> [String: Int64] {
        var lists: Int64 = 0
        for key in try raw("KEYS", RedisKey.ready.of(namespace) + "*").array ?? [] {
            lists += try raw("LLEN", key.text ?? "").number ?? 0
        }
        func count(_ command: String, _ key: String) throws -> Int64 { try raw(command, key).number ?? -1 }
        return [
            "lists": lists,
            "body": try count("HLEN", RedisKey.body.of(namespace)),
            "due": try count("ZCARD", RedisKey.due.of(namespace)),
            "leases": try count("ZCARD", RedisKey.leases.of(namespace)),
            "tombstones": try count("HLEN", RedisKey.tombs.of(namespace, "a")),
            "log": try count("XLEN", RedisKey.log.of(namespace)),
        ]
    }

    /// What stands where once a call has done what it is for, and nothing was in its way.
    private func untroubled(_ verb: Change) async throws -> [String: Int64] {
        let clock = ManualClock(start)
        var found: [String: Int64] = [:]
        try await withQueue(clock: clock) { queue, namespace in
            let scene = try await Scene(queue)
            clock.set(start + .seconds(verb.seconds))
            #expect(try await verb.act(scene), "\(verb)")
            #expect(try await queue.survey().missing == 0, "\(verb)")
            found = try standing(RawRedis(url: Servers.redisURL), namespace)
        }
        return found
    }

    @Test(arguments: Change.all.indices)
    func `changes nothing and is done once the place is free, or is done; whatever the call and the place`(
        _ index: Int
    ) async throws {
        let verb = Change.all[index]
        let expected = try await untroubled(verb)
        for (number, place) in Place.all.enumerated() {
            // Each place meets each type, by one call or another.
            let others = Self.kinds.filter { $0.kind != place.kind }
            let (words, type, _) = others[(index + number) % others.count]
            let clock = ManualClock(start)
            try await withQueue(clock: clock) { queue, namespace in
                let what: Comment = "\(verb) over \(place), a \(type)"
                let (raw, scene) = (try RawRedis(url: Servers.redisURL), try await Scene(queue))
                let (name, kept) = (place.key.of(namespace, place.rest), "kept_\(namespace)")
                clock.set(start + .seconds(verb.seconds))
                let wasThere = try raw("EXISTS", name).number == 1
                if wasThere { try raw("RENAME", name, kept) }
                try raw.send(([words[0], name] + words[1...]).map { Array($0.utf8) })
                let before = try raw.dump(namespace)

                let error = await caught(QueueError.self) {
                    let isDone = try await verb.act(scene)
                    #expect(isDone, what)
                }

                if let error {
                    #expect(error.code == .damaged, what)
                    let after = try raw.dump(namespace)
                    let changed = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }
                    #expect(changed.sorted() == [], what)
                }
                if try raw("TYPE", name).text == type { try raw("DEL", name) }
                if wasThere, try raw("EXISTS", name).number == 0 { try raw("RENAME", kept, name) }
                try raw("DEL", kept)
                if error != nil { #expect(try await verb.act(scene), what) }
                var found = try standing(raw, namespace)
                // A log that went aside has lost its entries; that is told elsewhere.
                if place.key == .log { found["log"] = expected["log"] }
                #expect(found == expected, what)
                #expect(try await queue.survey().missing == 0, what)
            }
        }
    }

    @Test func `in the place of large bodies stops the one repair that needs it, and no other of its call`()
        async throws
    {
        let clock = ManualClock(start)
        try await withQueue(clock: clock) { queue, namespace in
            let (raw, scene) = (try RawRedis(url: Servers.redisURL), try await Scene(queue))
            let (name, kept) = (RedisKey.large.of(namespace), "kept_\(namespace)")
            let stopped = scene.pushed(again: Scene.record("other", body: Scene.large))
            let other = scene.repair(
                scene.pending.id, .held(.pending, version: 1), .logState(withRecord: true))
            try raw("RENAME", name, kept)
            try raw("SET", name, "foreign")

            #expect(try await queue.repair([other, stopped, other]) == [true, false, true])
            #expect(try await queue.inspect([stopped.id]).held.isEmpty)
            try raw("DEL", name)
            try raw("RENAME", kept, name)

            #expect(try await queue.repair([other, stopped, other]) == [true, true, true])
            #expect(try await queue.survey().missing == 0)
        }
    }

    @Test(arguments: ["release", "retry"])
    func `over the queues' names gives no second worker its job, and gives it back once`(_ verb: String)
        async throws
    {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let name = RedisKey.queues.of(namespace)
            _ = try await queue.push([Push(JobRecord(type: "t"))], issued: nil)
            let first = try await queue.reserve(Scene.wish([.default], 1)).jobs[0].lease
            let end: Settlement =
                verb == "retry"
                ? .retry(first, runAt: nil, attempts: 1, error: "e") : .release(first)
            try raw("DEL", name)
            try raw("SET", name, "foreign")

            let error = await caught(QueueError.self) { try await queue.settle([end]) }
            #expect(error?.code == .damaged, "\(error as Any)")
            // Its place is free once this connects anew.
            #expect(try await queue.reserve(Scene.wish([.default], 9)).jobs.isEmpty)
            #expect(try await queue.settle([end]) == [.settled(.pending)])

            let second = try await queue.reserve(Scene.wish([.default], 9)).jobs
            #expect(second.map(\.lease.id) == [first.id] && second.first?.lease != first)
            #expect(try await queue.reserve(Scene.wish([.default], 9)).jobs.isEmpty)
            #expect(try await queue.settle([end]) == [.refused(.mismatch)])
        }
    }
}
