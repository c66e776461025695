import TallyCore
import TallyTesting
import TestSupport
import Testing

@testable import TallyRedis

private let start = Timestamp(microseconds: 1_893_456_000_000_000)

@Suite(.serialized) struct `A change of a waiting job in Redis` {
    private func wish() -> ReserveWish {
        ReserveWish(["q"], limit: 9, lease: .seconds(30), worker: WorkerID("w"))
    }

    /// Whoever may change jobs could fill the memory of the server otherwise, as whoever enqueues could.
    @Test func `is refused while the log is full, with nothing changed`() async throws {
        try await PrivateRedis.with { redis in
            try await withQueue(url: redis.url) { queue, _ in
                let job = JobRecord(type: "t", queue: "q")
                #expect(try await queue.push([Push(job)], issued: nil) == [.pushed])
                // From here on no connection may be made that would load the true text again.
                _ = try await queue.inspect([job.id])
                try LibraryMutation.smallLog.load(into: RawRedis(url: redis.url))

                let error = await caught(QueueError.self) {
                    for second in 0..<50 {
                        _ = try await queue.change(
                            job.id, runAt: .now + .seconds(600 + second), priority: nil)
                    }
                }

                #expect(error?.code == .full, "\(error as Any)")
                let history = try await queue.history()
                #expect(history.logLength == 40)
                let held = try await queue.inspect([job.id]).held[job.id]
                #expect(held?.status == .scheduled)
                // What changes nothing is answered all the same.
                #expect(try await queue.change(JobID(), runAt: .now, priority: nil) == .unknown)
                try await queue.report(applied: history.end)
                let version = try #require(held?.version)
                let answer = try await queue.change(
                    job.id, runAt: .now + .seconds(-60), priority: nil)
                #expect(answer == .changed(.pending, version: version + 1))
            }
        }
    }

    @Test func `of a job without a record leaves it with the end that it had`() async throws {
        let clock = ManualClock(start)
        try await withQueue(clock: clock) { queue, namespace in
            let raw = try RawRedis(url: Servers.redisURL)
            try await queue.raiseRecordLayout(to: JobRecord.newestLayout)
            let end = start + .seconds(10)
            let job = JobRecord(type: "t", queue: "q", createdAt: start, notAfter: end)
            _ = try await queue.push([Push(job)], issued: nil)
            _ = try await queue.change(job.id, runAt: nil, priority: .low)
            var changed = job
            changed.priority = .low
            try raw.send([Array("HDEL".utf8), Array(RedisKey.body.of(namespace).utf8), job.id.bytes])
            let row = JobSnapshot(record: changed, status: .pending, version: 2)
            let repair = QueueRepair(
                id: job.id, epoch: try await queue.history().epoch, expected: .absent,
                action: .restore(row, place: QueuePlace(id: job.id, version: 2)), code: "D09")
            #expect(try await queue.repair([repair]) == [true])

            clock.set(end)
            #expect(try await queue.reserve(wish()).jobs.isEmpty)

            let tombstone = try await queue.inspect([job.id]).ended[job.id]
            #expect(tombstone == QueueView.Ended(status: .cancelled, version: 2))
        }
    }
}
