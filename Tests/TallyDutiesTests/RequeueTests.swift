import TallyAdmin
import TallyCore
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties

@Suite struct `A requeue of a job that has not failed in the ledger` {
    private let shards = Shards()

    private func refusal(_ id: JobID) async throws -> RequeueRefusal? {
        let outcome = try await shards.admin.requeue(RequeueWish(id, actor: "test"))
        if case .refused(let why) = outcome { return why }
        return nil
    }

    private func push(_ id: JobID, on shard: Int) async throws {
        let job = JobRecord(id: id, type: "t", queue: shards.name(shard))
        #expect(try await shards.memory[shard].push([Push(job)], issued: nil) == [.pushed])
    }

    private func lease(on shard: Int) async throws -> Lease {
        let wish = ReserveWish([shards.name(shard)], limit: 1, worker: WorkerID("w"))
        return try #require(try await shards.memory[shard].reserve(wish).jobs.first).lease
    }

    private func fail(on shard: Int) async throws {
        let end = Settlement.fail(try await lease(on: shard), attempts: 1, error: "boom")
        #expect(try await shards.memory[shard].settle([end]) == [.settled(.failed)])
    }

    @Test(arguments: [0, 1])
    func `is refused for what the shard of its row has, not for what another has of the id`(_ own: Int)
        async throws
    {
        let id = JobID()
        try await push(id, on: own)
        _ = try await lease(on: own)
        try await shards.mirrorAll()
        try await push(id, on: 1 - own)
        try await fail(on: 1 - own)

        #expect(try await refusal(id) == .notFailed(.processing))
    }

    @Test(arguments: [0, 1])
    func `is refused as not mirrored where its own shard has the failure`(_ own: Int) async throws {
        let id = JobID()
        try await push(id, on: own)
        try await shards.mirrorAll()
        try await fail(on: own)

        #expect(try await refusal(id) == .notMirrored)
    }

    @Test func `is not called unknown while a shard could not be asked`() async throws {
        #expect(try await refusal(JobID()) == .unknown)
        shards.queues[1].setOutage(.unavailable)

        let error = await caught(QueueError.self) { _ = try await refusal(JobID()) }

        #expect(error?.code == .unavailable)
    }

    @Test func `without a row is refused for what one shard has, though another is away`() async throws {
        let id = JobID()
        try await push(id, on: 0)
        shards.queues[1].setOutage(.unavailable)

        #expect(try await refusal(id) == .notFailed(.pending))
    }

    @Test func `is refused as its row stands while its shard is away`() async throws {
        let id = JobID()
        try await push(id, on: 1)
        try await shards.mirrorAll()
        shards.queues[1].setOutage(.unavailable)

        #expect(try await refusal(id) == .notFailed(.pending))
    }
}
