import TallyCore
import TallyLab
import TallyPostgres
import TallyRedis
import TestSupport
import Testing

/// What the drill asks of the events, in the order that `JobHistory` tells. One after another: they share servers.
@Suite(.serialized) struct `The questions of the drill` {
    private typealias Step = (verb: Verb, from: JobStatus?, to: JobStatus, version: Int, seq: Int)

    private let life: [Step] = [
        (.push, nil, .pending, 1, 1), (.lease, .pending, .processing, 2, 2),
        (.ack, .processing, .completed, 2, 3),
    ]

    private func tell(
        _ steps: [Step], of id: JobID, shard: Int = 0, epoch: Int = 1, behind seq: Int = 0,
        _ halves: Halves
    ) async throws {
        for step in steps {
            let from = step.from.map { "'\($0.rawValue)'" } ?? "NULL"
            try await halves.sql(
                """
                INSERT INTO SCHEMA.job_events (job_id, shard, epoch, seq, at, event, from_status, status, version)
                VALUES ('\(id)', \(shard), \(epoch), \(step.seq + seq), now(), '\(step.verb.rawValue)', \(from),
                  '\(step.to.rawValue)', \(step.version))
                """)
        }
    }

    @Test func `find no break in a job on each of two shards, whatever their epochs`() async throws {
        try await Halves.with { halves in
            let id = JobID()
            try await tell(life, of: id, halves)
            try await tell(life, of: id, shard: 1, halves)
            try await tell(life, of: id, shard: 2, epoch: 7, halves)

            #expect(try await halves.ledger.drillFindings(.chain) == [])
        }
    }

    @Test func `find no break at a step that the ledger made first`() async throws {
        try await Halves.with { halves in
            let (requeued, cancelled, setAside) = (JobID(), JobID(), JobID())
            let failure: Step = (.fail, .processing, .failed, 2, 3)
            try await tell(life.prefix(2) + [failure], of: requeued, shard: 1, halves)
            // It stands on shard 0.
            try await tell([(.requeue, .failed, .pending, 3, -6)], of: requeued, halves)
            try await tell(
                [(.push, nil, .pending, 3, 4), (.lease, .pending, .processing, 4, 5)], of: requeued,
                shard: 1, halves)
            try await tell(
                [
                    (.push, nil, .pending, 1, 1), (.cancel, .pending, .cancelled, 1, 2),
                    (.cancel, .pending, .cancelled, 1, -3),
                ], of: cancelled, halves)
            try await tell(
                [
                    (.repair, .pending, .failed, 1, -3), (.requeue, .failed, .pending, 2, -4),
                    (.repair, .pending, .failed, 2, -5), (.requeue, .failed, .pending, 3, -6),
                    (.push, nil, .pending, 3, 1),
                ], of: setAside, halves)

            #expect(try await halves.ledger.drillFindings(.chain) == [])
        }
    }

    @Test func `find a step that does not begin where the one before it ended, and a second life`()
        async throws
    {
        try await Halves.with { halves in
            let (broken, again) = (JobID(), JobID())
            try await tell([life[0], life[2]], of: broken, halves)
            try await tell(life, of: again, halves)
            try await tell(life, of: again, behind: 10, halves)

            let found = try await halves.ledger.drillFindings(.chain)

            #expect(
                Set(found) == [
                    "\(broken): ack v2 from processing follows pending",
                    "\(again): push v1 from nothing follows completed",
                ])
        }
    }

    @Test func `hold a row against the last event that it could take, on whichever shard`() async throws {
        try await Halves.with { halves in
            let (queue, ledger) = (halves.queue, halves.ledger)
            let id = try await halves.job(.pending)
            let wish = ReserveWish([.default], limit: 1, lease: .seconds(600), worker: WorkerID("w"))
            let lease = try #require(try await queue.reserve(wish).jobs.first).lease
            _ = try await queue.settle([.fail(lease, attempts: 1, error: "e")])
            try await halves.mirrorAll()
            _ = try await ledger.requeue(id, seen: 2, runAt: nil, resetAttempts: true, actor: "ann")
            try await halves.sql("UPDATE SCHEMA.job_events SET shard = 1 WHERE job_id = '\(id)' AND seq > 0")
            #expect(try await ledger.drillFindings(.lastEvent) == [])
            #expect(try await ledger.drillFindings(.chain) == [])

            // Its id was used again: the row keeps the end of the first, for nothing of the second is above it.
            let ended = try await halves.job(.completed)
            let epoch = Int(try await queue.history().epoch)
            try await tell(Array(life.prefix(2)), of: ended, epoch: epoch, behind: 1000, halves)
            #expect(try await ledger.drillFindings(.lastEvent) == [])

            try await halves.run("UPDATE JOBS SET version = 9", id)
            #expect(
                try await ledger.drillFindings(.lastEvent) == [
                    "\(id): row pending v9, last event pending v3"
                ])
        }
    }
}
