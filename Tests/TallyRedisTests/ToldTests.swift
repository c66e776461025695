import TallyCore
import TallyTesting
import TestSupport
import Testing

@testable import TallyRedis

private let start = Timestamp(microseconds: 1_893_456_000_000_000)

/// Jobs need the log and the memory of Redis; lines of handlers do not.
@Suite struct `What workers tell beside their heartbeats` {
    private func beat(lines count: Int, isEarly: Bool = false) -> WorkerBeat {
        var beat = WorkerBeat(
            id: WorkerID("w"), status: .running, queues: ["q"], types: ["t"], running: [], concurrency: 1,
            startedAt: start, host: "h", pid: 1)
        let lines = (0..<count).map {
            AttemptLine(
                job: JobID(), epoch: 1, version: 2, number: $0 + 1, at: start, text: "a line of \($0)")
        }
        if !lines.isEmpty { beat.lines = lines }
        beat.isEarly = isEarly
        return beat
    }

    private func told(_ queue: RedisQueue) async throws -> [Int?] {
        try await queue.log(after: .start, limit: 100).compactMap(\.beat).map { $0.lines?.count }
    }

    @Test func `comes to the log once, and is no part of a worker's state`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)

            let answers = [
                try await queue.heartbeat(beat(lines: 3)),
                try await queue.heartbeat(beat(lines: 2, isEarly: true)),
                try await queue.heartbeat(beat(lines: 0, isEarly: true)),
            ]

            #expect(answers.allSatisfy { $0.hasRoom })
            #expect(try await told(queue) == [3, nil, 2, nil])
            let state = try raw("HGET", RedisKey.workers.of(namespace), "w").text
            #expect(state?.contains("a line of") == false)
        }
    }

    @Test
    func `is left out where it would take what jobs need of the log, until the ledger has what it took`()
        async throws
    {
        let clock = ManualClock(start)
        try await withQueue(clock: clock) { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            try await queue.heartbeat(beat(lines: 1))
            let counted = try raw("HGET", RedisKey.meta.of(namespace), "told").text
            let taken = try #require(counted.flatMap { Int($0) })
            #expect(taken > 0 && taken < 1000)
            try raw("HSET", RedisKey.meta.of(namespace), "told", "\(Limits.toldLogBytes)")

            let early = try await queue.heartbeat(beat(lines: 1, isEarly: true))
            let later = try await queue.heartbeat(beat(lines: 1))
            #expect(!early.hasRoom && !later.hasRoom)
            #expect(try await told(queue) == [1, nil, nil])

            clock.set(start + Limits.reportedLog + .seconds(1))
            try await queue.report(applied: try await queue.history().end)
            clock.set(start + Limits.reportedLog + .seconds(2))
            #expect(try await queue.heartbeat(beat(lines: 1)).hasRoom)
            // A report of less than that was told frees nothing.
            try raw("HSET", RedisKey.meta.of(namespace), "told", "\(Limits.toldLogBytes)")
            clock.set(start + Limits.reportedLog * 3)
            try await queue.report(applied: .start)
            #expect(try await !queue.heartbeat(beat(lines: 1)).hasRoom)
        }
    }

    @Test func `is left out of a long log, and heartbeats go on`() async throws {
        try await PrivateRedis.with { redis in
            try await withQueue(url: redis.url) { queue, namespace in
                let raw = try RawRedis(url: redis.url)
                try await queue.heartbeat(beat(lines: 1))
                // As many entries as jobs may have filled it with; the next call goes on behind them.
                // In steps, for a server that is busy with one of them answers nobody.
                let fill =
                    "for i = 0, \(Limits.logEntries / 100) do redis.call('XADD', KEYS[1], '*', 'a', '') end"
                for _ in 0..<25 { try raw("EVAL", fill, "1", RedisKey.log.of(namespace)) }

                let early = try await queue.heartbeat(beat(lines: 1, isEarly: true))
                let later = try await queue.heartbeat(beat(lines: 0))

                #expect(!early.hasRoom && !later.hasRoom)
                #expect(try raw("HEXISTS", RedisKey.workers.of(namespace), "w").number == 1)
            }
        }
    }

    @Test func `is left out where the server is beyond its memory, and heartbeats go on`() async throws {
        try await PrivateRedis.with { redis in
            try await withQueue(url: redis.url) { queue, _ in
                let raw = try RawRedis(url: redis.url)
                try await queue.heartbeat(beat(lines: 1))
                try raw("CONFIG", "SET", "maxmemory", "1mb")

                let early = try await queue.heartbeat(beat(lines: 1, isEarly: true))
                let later = try await queue.heartbeat(beat(lines: 1))

                try raw("CONFIG", "SET", "maxmemory", "0")
                #expect(!early.hasRoom && !later.hasRoom)
                #expect(try await told(queue) == [1, nil, nil])
                #expect(try await queue.heartbeat(beat(lines: 1)).hasRoom)
            }
        }
    }
}
