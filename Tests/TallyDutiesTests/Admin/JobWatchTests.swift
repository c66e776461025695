import TallyAdmin
import TallyCore
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties

/// Memory stores.
@Suite struct `What is new of a job` {
    @Test func `is told once, in order, until it has ended and the ledger knows it [H1]`() async throws {
        let s = Shards(1)
        let job = s.record(on: 0)
        try await s.client().enqueue(job)
        var watch = JobWatch()
        func look() async throws -> [JobWatch.Change] {
            watch.changes(in: try #require(try await s.admin.explain(job.id)))
        }

        // The ledger has no row yet: what the queue says is told.
        let first = try await look()
        #expect(first.first?.json["status"] as? String == "pending")
        try await s.mirrorAll()
        let second = try await look()
        #expect(second.compactMap { $0.json["event"] as? String } == ["push"])
        #expect(try await look().isEmpty && watch.ended == nil)

        let lease = try #require(try await s.reserve(1).jobs.first).lease
        let leased = try await look()
        #expect(leased.contains { $0.json["next"] as? String == "leased" })
        _ = try await s.sharded.leasing.settle([.ack(lease)])
        _ = try await look()
        #expect(watch.ended == nil)
        try await s.mirrorAll()
        let last = try await look()
        #expect(last.compactMap { $0.json["event"] as? String } == ["lease", "ack"])
        #expect(watch.ended == .completed)
        #expect(try await look().isEmpty)
    }

    @Test func `is a lease once, however often it is extended, and the next one again [H1]`() async throws {
        let s = Shards(1)
        let job = s.record(on: 0)
        try await s.client().enqueue(job)
        let lease = try #require(try await s.reserve(1).jobs.first).lease
        try await s.mirrorAll()
        var watch = JobWatch()
        func look() async throws -> [JobWatch.Change] {
            watch.changes(in: try #require(try await s.admin.explain(job.id)))
        }

        #expect(try await look().contains { $0.json["next"] as? String == "leased" })
        for length in [60, 90] {
            _ = try await s.sharded.leasing.extend([lease], by: .seconds(length))
            #expect(try await look().isEmpty)
        }
        _ = try await s.sharded.leasing.settle([.release(lease, runAt: nil)])
        _ = try #require(try await s.reserve(1).jobs.first)
        try await s.mirrorAll()
        #expect(try await look().contains { $0.json["next"] as? String == "leased" })
    }
}
