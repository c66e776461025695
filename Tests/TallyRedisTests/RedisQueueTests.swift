import TallyCore
import TallyTesting
import TestSupport
import Testing

@testable import TallyRedis

private let start = Timestamp(microseconds: 1_893_456_000_000_000)

private func job(_ body: [UInt8] = [], queue: QueueName = "q") -> JobRecord {
    JobRecord(type: "t", queue: queue, body: body, createdAt: start)
}
private func wish(_ limit: Int, lease: Duration = .seconds(30)) -> ReserveWish {
    ReserveWish(["q"], limit: limit, lease: lease, worker: WorkerID("w"))
}

@Suite(.serialized) struct `The Redis queue` {
    private let clock = ManualClock(start)

    @Test(arguments: [64 << 10, (64 << 10) + 1, 1 << 20])
    func `returns a body of any size as it was [A3]`(_ size: Int) async throws {
        try await withQueue { queue, _ in
            let record = job((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
            let before = try await queue.history().end

            _ = try await queue.push([Push(record)], issued: nil)

            #expect(try await queue.log(after: before, limit: 1).first?.moves.first?.record == record)
            #expect(try await queue.inspect([record.id]).held[record.id]?.record == record)
            #expect(try await queue.reserve(wish(1)).jobs.first?.record == record)
        }
    }

    @Test func `hands over a job whose stored bytes were damaged as corrupt, by its lease`() async throws {
        try await withQueue { queue, namespace in
            let record = job([1, 2, 3])
            _ = try await queue.push([Push(record)], issued: nil)
            var damaged = record.packed()
            damaged[damaged.count - 1] ^= 1
            try RawRedis(url: Servers.redisURL).send(
                [Array("HSET".utf8), Array(RedisKey.body.of(namespace).utf8), record.id.bytes, damaged])

            let taken = try await queue.reserve(wish(1))

            #expect(taken.jobs.isEmpty && taken.corrupt.map(\.id) == [record.id])
            #expect(
                try await queue.settle([.fail(taken.corrupt[0], attempts: 0, error: "corrupt")]) == [
                    .settled(.failed)
                ])
        }
    }

    @Test func `pushes all queued jobs of a call or none where their queue has room for some`() async throws {
        try await PrivateRedis.with { redis in
            try await withQueue(url: redis.url) { queue, _ in
                try LibraryMutation.smallWindow.load(into: RawRedis(url: redis.url))
                let five = (0..<5).map { _ in Push(job()) }
                let error = await caught(QueueError.self) {
                    try await queue.push(five, issued: nil)
                }
                #expect(error?.code == .full && error?.detail.contains("queue q") == true)
                #expect(try await queue.counts().map(\.pending).reduce(0, +) == 0)
                let recorded = five.map { Push($0.record, isRecorded: true) }
                #expect(
                    try await queue.push(recorded, issued: nil)
                        == [.pushed, .pushed, .pushed, .pushed, .full])
            }
        }
    }

    @Test func `hands back the job whose body cannot be read, and runs the others`() async throws {
        try await withQueue(clock: clock) { queue, namespace in
            let large = job(Array(repeating: 7, count: 100_000))
            let small = [job([1]), job([2])]
            clock.set(start)
            _ = try await queue.push(
                [Push(small[0]), Push(large), Push(small[1])], issued: nil)
            let raw = try RawRedis(url: Servers.redisURL)
            let key = RedisKey.large.of(namespace)
            try raw("RENAME", key, key + ":kept")
            try raw("SET", key, "not a hash")

            let taken = try await queue.reserve(wish(9))

            #expect(taken.jobs.map(\.record) == small && taken.corrupt.isEmpty)
            try raw("RENAME", key + ":kept", key)
            let held = try #require(try await queue.inspect([small[0].id]).held[small[0].id])
            #expect(held.status == .processing)
            let back = try #require(try await queue.inspect([large.id]).held[large.id])
            #expect(back.status == .scheduled && back.crashes == 0 && back.attempts == 0)
            let later = start + Limits.retryStoreCap
            clock.set(later)
            #expect(try await queue.reserve(wish(9)).jobs.map(\.record) == [large])
        }
    }

    /// Five jobs that go through each verb of the log, and what it says then.
    private func everyVerb(_ queue: RedisQueue) async throws -> (jobs: [JobRecord], log: [LogEntry]) {
        let begin = try await queue.history().end
        let jobs = (0..<5).map { _ in job([1]) }
        clock.set(start)
        _ = try await queue.push(jobs.map { Push($0) }, issued: nil)
        let leases = try await queue.reserve(wish(5)).jobs.map(\.lease)
        _ = try await queue.settle([.ack(leases[0], result: [9, 0, 9])])
        _ = try await queue.settle([.retry(leases[1], runAt: Self.later, attempts: 2, error: "é")])
        _ = try await queue.settle([.fail(leases[2], attempts: 3, error: "no")])
        _ = try await queue.settle([.release(leases[3], runAt: Self.later)])
        clock.set(start + .seconds(30))
        _ = try await queue.reclaim(9)
        clock.set(start + .seconds(31))
        _ = try await queue.cancel(jobs[4].id, tombstone: nil)
        clock.set(Self.later)
        _ = try await queue.promote(9)

        let log = try await queue.log(after: begin, limit: 99)
        #expect(log.map(\.position.seq) == (1...9).map { begin.seq + $0 })
        try #require(log.count == 9)
        return (jobs, log)
    }
    private static let later = start + .seconds(60)

    @Test func `decodes every kind of log entry: its verb, its actor and its time [P10]`() async throws {
        try await withQueue(clock: clock) { queue, _ in
            let log = try await everyVerb(queue).log

            #expect(
                log.map(\.verb) == [
                    .push, .lease, .ack, .retry, .fail, .release, .reclaim, .cancel, .promote,
                ])
            #expect(log[1].actor == "w" && log[1].moves.map(\.to) == Array(repeating: .processing, count: 5))
            #expect(log[6].at == start + .seconds(30))
            for move in log.flatMap({ entry in entry.moves.map { (entry.verb, $0) } }) {
                #expect(Transition.isLegal(move.0, from: move.1.from, to: move.1.to))
            }
        }
    }

    @Test func `decodes what became of each job, in every kind of log entry [P10]`() async throws {
        try await withQueue(clock: clock) { queue, _ in
            let (jobs, log) = try await everyVerb(queue)

            #expect(
                log[0].moves == jobs.map { Move(id: $0.id, version: 1, from: nil, to: .pending, record: $0) })
            #expect(
                log[2].moves == [
                    Move(id: jobs[0].id, version: 2, from: .processing, to: .completed, result: [9, 0, 9])
                ])
            #expect(
                log[3].moves == [
                    Move(
                        id: jobs[1].id, version: 2, from: .processing, to: .retrying, attempts: 2,
                        runAt: Self.later, error: "é")
                ])
            #expect(
                log[4].moves == [
                    Move(id: jobs[2].id, version: 2, from: .processing, to: .failed, attempts: 3, error: "no")
                ])
            #expect(
                log[5].moves == [
                    Move(id: jobs[3].id, version: 2, from: .processing, to: .scheduled, runAt: Self.later)
                ])
            #expect(
                log[6].moves == [
                    Move(id: jobs[4].id, version: 2, from: .processing, to: .pending, crashes: 1)
                ])
            #expect(log[7].moves == [Move(id: jobs[4].id, version: 2, from: .pending, to: .cancelled)])
            #expect(
                Set(log[8].moves) == [
                    Move(id: jobs[1].id, version: 2, from: .retrying, to: .pending),
                    Move(id: jobs[3].id, version: 2, from: .scheduled, to: .pending),
                ])
        }
    }

    @Test func `forgets an end 60 s after the ledger reported it, and not before`() async throws {
        try await withQueue(clock: clock) { queue, _ in
            let record = job()
            clock.set(start)
            _ = try await queue.push([Push(record)], issued: nil)
            let lease = try await queue.reserve(wish(1)).jobs[0].lease
            _ = try await queue.settle([.ack(lease)])
            func remembers(_ time: Timestamp) async throws -> Bool {
                clock.set(time)
                return try await queue.inspect([record.id]).ended[record.id] != nil
            }
            // Never reported: remembered for ever.
            #expect(try await remembers(start + .seconds(86_400)))

            var forgottenAfter: Duration?
            for second in 0..<400 {
                let now = start + .seconds(second)
                clock.set(now)
                try await queue.report(applied: queue.history().end)
                if try await !remembers(now) {
                    forgottenAfter = .seconds(second)
                    break
                }
            }

            let time = try #require(forgottenAfter)
            #expect(time >= Limits.tombstone && time <= Limits.tombstone * 3)
        }
    }

    @Test func `ignores the report of a position that was never written`() async throws {
        try await withQueue(clock: clock) { queue, _ in
            let end = try await queue.history().end
            for second in [0, 31, 62] {
                clock.set(start + .seconds(second))
                try await queue.report(
                    applied: LogPosition(epoch: end.epoch, seq: end.seq + 1000))
                try await queue.report(
                    applied: LogPosition(epoch: end.epoch + 1, seq: 1))
            }

            #expect(try await queue.log(after: .start, limit: 10).count == Int(end.seq))
        }
    }

    @Test func `asks the same of Redis for a reserve, whatever the backlog [C16, I14]`() async throws {
        try await PrivateRedis.with { redis in
            let raw = try RawRedis(url: redis.url)
            func cost(_ backlog: Int) async throws -> [String: Int] {
                var cost: [String: Int] = [:]
                try await withQueue(url: redis.url) { queue, _ in
                    for start in stride(from: 0, to: backlog, by: 500) {
                        let jobs = (start..<min(backlog, start + 500)).map { _ in Push(job()) }
                        _ = try await queue.push(jobs, issued: nil)
                    }
                    try raw("CONFIG", "RESETSTAT")
                    #expect(try await queue.reserve(wish(10)).jobs.count == 10)
                    cost = try calls(raw).filter { !$0.key.hasPrefix("config") && $0.key != "info" }
                }
                return cost
            }

            let small = try await cost(1000)
            let large = try await cost(100_000)

            #expect(small == large && small["fcall"] == 1)
            // None of these looks at more than it takes.
            #expect(
                Set(large.keys).isSubset(of: [
                    "fcall", "hmget", "time", "zrangebyscore", "exists", "sismember", "llen", "lpop",
                    "zmscore", "zadd",
                    "xadd", "hset", "zrange", "hget", "hlen", "lpush",
                ]), "\(large)")
        }
    }

    @Test func `takes back so many at most in one call, however many leases have run out at once [I14]`()
        async throws
    {
        try await withQueue(clock: clock) { queue, _ in
            let count = Limits.jobsPerCall * 3
            for _ in 0..<3 {
                let jobs = (0..<Limits.jobsPerCall).map { _ in Push(job()) }
                _ = try await queue.push(jobs, issued: nil)
                let taken = try await queue.reserve(wish(Limits.jobsPerCall, lease: .seconds(1)))
                #expect(taken.jobs.count == Limits.jobsPerCall)
            }
            clock.set(start + .seconds(10))
            let before = try await queue.history().end

            #expect(try await queue.reserve(wish(1)).jobs.count == 1)
            let beside = try await queue.log(after: before, limit: 10).filter { $0.verb == .reclaim }
                .flatMap(\.moves)
            #expect(!beside.isEmpty && beside.count <= Limits.sweepPerCall)
            var rest = count - beside.count
            while rest > 0 {
                let taken = try await queue.reclaim(1_000_000)
                try #require(taken == min(rest, Limits.jobsPerCall))
                rest -= taken
            }
            #expect(try await queue.reclaim(1_000_000) == 0)
        }
    }

    @Test func `has its functions called by name, and sends the text of none again [I15]`() async throws {
        try await PrivateRedis.with { redis in
            let raw = try RawRedis(url: redis.url)
            try await withQueue(url: redis.url) { queue, _ in
                try raw("CONFIG", "RESETSTAT")
                for _ in 0..<50 {
                    _ = try await queue.push([Push(job())], issued: nil)
                    let lease = try #require(try await queue.reserve(wish(1)).jobs.first).lease
                    _ = try await queue.settle([.ack(lease)])
                }

                let counts = try calls(raw)
                #expect(counts["fcall"] ?? 0 >= 150, "\(counts)")
                for name in ["eval", "evalsha", "function|load", "script|load"] {
                    #expect(counts[name] == nil, "\(name)")
                }
            }
        }
    }

    /// How often each command was called, by the server's own statistics.
    private func calls(_ raw: RawRedis) throws -> [String: Int] {
        var found: [String: Int] = [:]
        for line in (try raw("INFO", "commandstats").text ?? "").split(whereSeparator: \.isNewline)
        where line.hasPrefix("cmdstat_") {
            let name = line.dropFirst("cmdstat_".count).prefix { $0 != ":" }
            found[String(name)] = Int(line.drop { $0 != "=" }.dropFirst().prefix { $0 != "," })
        }
        return found
    }

    @Test func `refuses more than 500 leases a call`() async throws {
        try await withQueue { queue, _ in
            let lease = Lease(id: JobID(), version: 2, epoch: 1, expiresAt: start)
            let many = Array(repeating: lease, count: Limits.jobsPerCall + 1)

            let extend = await caught(QueueError.self) {
                try await queue.extend(many, by: .seconds(1))
            }
            let ack = await caught(QueueError.self) { try await queue.settle(many.map { .ack($0) }) }

            #expect(extend?.code == .invalid && ack?.code == .invalid)
        }
    }
}
