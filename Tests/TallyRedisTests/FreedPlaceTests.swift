import TallyCore
import TestSupport
import Testing

@testable import TallyRedis

/// What `attach` puts aside leaves a place empty that other places told of, or that told of them.
@Suite struct `The place of a foreign key that went aside` {
    private func spoil(_ key: RedisKey, _ raw: RawRedis, _ namespace: String) throws {
        try raw("DEL", key.of(namespace))
        try raw("SET", key.of(namespace), "foreign")
    }
    private func attach(_ namespace: String) async throws {
        let another = try await RedisQueue.open(
            RedisConfiguration(url: Servers.redisURL, namespace: namespace))
        await another.close()
    }

    @Test(arguments: [RedisKey.due, .later])
    func `leaves each waiting job counted once, when it was brought back as well [P22]`(_ key: RedisKey)
        async throws
    {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            func later() throws -> Int64? { try raw("HGET", RedisKey.later.of(namespace), "q").number }
            let time = Timestamp.now + .seconds(3600)
            let jobs = (0..<3).map { _ in JobRecord(type: "t", queue: "q", runAt: time) }
            #expect(try await queue.push(jobs.map { Push($0) }, issued: nil).allSatisfy { $0 == .pushed })
            #expect(try later() == 3)
            try spoil(key, raw, namespace)
            try await attach(namespace)

            let epoch = try await queue.history().epoch
            for job in jobs where key == .due {
                let repair = QueueRepair(
                    id: job.id, epoch: epoch, expected: .held(.scheduled, version: 1),
                    action: .wait(until: time), code: "D10")
                #expect(try await queue.repair(repair))
            }
            for _ in 0..<2 { _ = try await queue.promote(10) }

            #expect(try later() == 3)
            #expect(try raw("HGET", RedisKey.meta.of(namespace), "recount") == .null)
            #expect(try await queue.counts().first { $0.queue == "q" }?.waiting == 3)
        }
    }

    @Test func `has the names of the queues again, some records a sweep, and their workers are woken`()
        async throws
    {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let names: [QueueName] = ["a", "b", "c"]
            let jobs = (0..<3 * Limits.sweepPerCall).map { JobRecord(type: "t", queue: names[$0 % 3]) }
            _ = try await queue.push(jobs.map { Push($0) }, issued: nil)
            for name in names { try raw("DEL", RedisKey.wake.of(namespace, name.text)) }
            try spoil(.queues, raw, namespace)
            try await attach(namespace)
            #expect(try await queue.queueNames() == [])

            var sweeps = 0
            while try raw("HGET", RedisKey.meta.of(namespace), "naming") != .null, sweeps < 30 {
                _ = try await queue.promote(1)
                sweeps += 1
            }

            #expect(sweeps > 1 && sweeps < 30)
            #expect(try await queue.queueNames() == names)
            #expect(try await queue.counts().filter { $0.pending == Limits.sweepPerCall }.count == 3)
            for name in names {
                #expect(try raw("LLEN", RedisKey.wake.of(namespace, name.text)).number == 1)
            }
            #expect(try await !queue.history().isHeld)
        }
    }

    @Test func `of the records has an account that begins without them, and takes each in that comes back`()
        async throws
    {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            let record = JobRecord(type: "t")
            _ = try await queue.push([Push(record), Push(JobRecord(type: "t"))], issued: nil)
            try spoil(.body, raw, namespace)
            try await attach(namespace)
            #expect(try await queue.survey().missing == 0)

            // One by its place in the list, and one that the ledger alone has.
            let job = JobSnapshot(record: record, status: .pending, version: 1)
            let repair = QueueRepair(
                id: record.id, epoch: try await queue.history().epoch, expected: .absent,
                action: .restore(job, place: QueuePlace(id: record.id, version: 1)), code: "D09")
            #expect(try await queue.repair(repair))
            #expect(try await queue.survey().missing == 0)
            #expect(try await queue.push([Push(JobRecord(type: "t"))], issued: nil) == [.pushed])
            let survey = try await queue.survey()
            #expect(survey.missing == 0 && survey.held == 2)
        }
    }
}
