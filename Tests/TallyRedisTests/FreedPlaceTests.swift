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
