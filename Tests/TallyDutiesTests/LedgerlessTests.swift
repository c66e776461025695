import TallyCore
import TallyRedis
import TestSupport
import Testing

@testable import TallyDuties

/// Mode queued without any Postgres.
@Suite(.serialized) struct `A queue without a ledger` {
    @Test func `has its log trimmed, its tombstones aged and its epochs opened by serve`() async throws {
        try await withQueue { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            func meta(_ field: String) throws -> Int64 {
                Int64(try raw("HGET", RedisKey.meta.of(namespace), field).text ?? "") ?? -1
            }
            func sleepFor(_ seconds: Int64, _ field: String) throws {
                try raw(
                    "HSET", RedisKey.meta.of(namespace), field, "\(try meta(field) - seconds * 1_000_000)")
            }
            let record = JobRecord(type: "t")
            _ = try await queue.push([Push(record)], issued: nil)
            let wish = ReserveWish([.default], limit: 1, worker: WorkerID("w"))
            let lease = try await queue.reserve(wish).jobs[0].lease
            _ = try await queue.settle([.ack(lease)])
            // Another process of the server: a new epoch, held.
            try raw("HSET", RedisKey.meta.of(namespace), "run_id", String(repeating: "0", count: 40))
            #expect(try await queue.history().isHeld)

            let serve = try Serve(queue: queue, ledger: nil)
            #expect(Set(serve.duties) == ["trim", "open epoch", "sweep", "free keys", "watch Redis"])
            let duties = Task { try await serve.run() }
            try await eventually("the epoch is open") { try await !queue.history().isHeld }
            try await eventually("the log was reported") { try meta("mark_at") > 0 && meta("old_at") > 0 }
            // Half a minute, and a minute, pass.
            try sleepFor(31, "mark_at")
            try sleepFor(61, "old_at")
            try await eventually("the log is trimmed") {
                try raw("XLEN", RedisKey.log.of(namespace)).number == 0
            }
            try await eventually("the older tombstones are gone") {
                try meta("old_at") <= 0 || meta("gen") == -1
            }
            try await eventually("the duties are told") { try await queue.duties().count == 5 }
            #expect(try await queue.duties().allSatisfy { !$0.isSilent && $0.error.isEmpty })
            duties.cancel()
            _ = await duties.result
        }
    }

    @Test func `is not trimmed where a ledger is known, for that may lack what the log has`() async throws {
        try await withQueue { queue, _ in
            _ = try await queue.pair(ledger: JobID().description, id: JobID().description)
            _ = try await queue.push([Push(JobRecord(type: "t"))], issued: nil)
            await #expect(throws: HasLedger.self) { try await Ledgerless(queue: queue.store).trim() }
            #expect(try await queue.log(after: .start, limit: 10).count > 0)
        }
    }
}
