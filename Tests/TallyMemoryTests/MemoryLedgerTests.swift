import Synchronization
import TallyCore
import Testing

@testable import TallyMemory

private let start = Timestamp(microseconds: 1_893_456_000_000_000)

private func record() -> JobRecord { JobRecord(type: "a.b", queue: "q", createdAt: start) }

private struct Away: Error {}

@Suite struct `The ledger in memory` {
    @Test func `claims an outbox row for one relay at a time and frees it when the push throws`() async throws
    {
        let ledger = MemoryLedger(clock: { start })
        let job = record()
        _ = try await ledger.record([job])

        await #expect(throws: LedgerError.self) {
            try await ledger.relay(rows: 9, olderThan: .zero) { _ in throw Away() }
        }
        let done = try await ledger.relay(rows: 9, olderThan: .zero) { row in
            let other = try await ledger.relay(rows: 9, olderThan: .zero) { _ in true }
            return row.pushes.map(\.record.id) == [job.id] && other.claimed == 0
        }

        #expect(done.claimed == 1 && done.deleted == 1)
        #expect(try await ledger.balances().accepted == 1)
    }

    @Test func `keeps when a duty was last reported, also that it does not succeed`() async throws {
        let clock = Mutex(start)
        let ledger = MemoryLedger(clock: { clock.withLock { $0 } })
        func report(_ succeeded: Duration?, after pause: Duration) async throws -> DutyStanding {
            let duty = DutyReport(name: "mirror", silence: .seconds(1), succeeded: succeeded)
            try await ledger.report([duty], holder: "here")
            clock.withLock { $0 = $0 + pause }
            return try #require(try await ledger.duties().first)
        }

        let ended = try await report(.zero, after: Limits.dutyReported + .seconds(1))
        #expect(ended.reported == .seconds(61) && !ended.isHolderRunning)
        let fails = try await report(nil, after: .seconds(60))
        #expect(fails.reported == .seconds(60) && fails.isHolderRunning && fails.isSilent)
    }

    @Test func `relays only rows that are old enough, and keeps those that were not taken`() async throws {
        let ledger = MemoryLedger(clock: { start })
        let job = record()
        _ = try await ledger.record([job])

        let young = try await ledger.relay(rows: 9, olderThan: .microseconds(1)) { _ in true }
        let full = try await ledger.relay(rows: 9, olderThan: .zero) { _ in false }

        #expect(young.claimed == 0)
        #expect(full.claimed == 1 && full.deleted == 0)
        #expect(try await ledger.views([job.id])[job.id]?.hasOutbox == true)
    }

    @Test func `deletes the row of ended jobs without a push`() async throws {
        let ledger = MemoryLedger(clock: { start })
        let job = record()
        _ = try await ledger.record([job])
        _ = try await ledger.recordCancel(job.id, version: 1, epoch: 0)

        let done = try await ledger.relay(rows: 9, olderThan: .zero) { _ in throw Away() }

        #expect(done.claimed == 1 && done.deleted == 1)
    }

    @Test func `takes no event below the last requeue`() async throws {
        let ledger = MemoryLedger(clock: { start })
        let job = record()
        _ = try await ledger.record([job])
        #expect(try await ledger.apply(batch(job.id, .failed, version: 2, seq: 1, after: .start)))
        #expect(
            try await ledger.requeue(job.id, seen: 2, runAt: nil, resetAttempts: true, actor: "me")
                == .requeued(version: 3))

        // A lost history's end of the job, in a later epoch: as the rollback scenarios of model.py have it.
        let late = batch(
            job.id, .completed, version: 2, epoch: 9, seq: 1, after: LogPosition(epoch: 1, seq: 1))
        #expect(try await ledger.apply(late))

        #expect(try await ledger.jobs([job.id])[job.id]?.status == .pending)
        #expect(try await ledger.events(job.id).map(\.verb) == [.repair, .requeue, .repair])
    }

    @Test func `requeues a job whose effect is committed only by force, which forgets the effect [D8]`()
        async throws
    {
        let ledger = MemoryLedger(clock: { start })
        let job = record()
        _ = try await ledger.record([job])
        func claim(_ version: Int) async throws -> EffectAnswer {
            let lease = Lease(id: job.id, version: version, epoch: 1, expiresAt: start)
            return try await ledger.withTransaction { transaction in
                try await ledger.complete(lease, result: [7], in: transaction)
            }
        }
        #expect(try await claim(2) == .claimed)
        #expect(try await ledger.apply(batch(job.id, .failed, version: 2, seq: 1, after: .start)))
        func requeue(force: Bool) async throws -> RequeueAnswer {
            try await ledger.requeue(
                job.id, seen: 2, runAt: nil, resetAttempts: false, actor: "me", despiteEffect: force)
        }

        #expect(try await requeue(force: false) == .effectCommitted)
        #expect(try await ledger.jobs([job.id])[job.id]?.status == .failed)
        #expect(try await requeue(force: true) == .requeued(version: 3))
        #expect(try await claim(4) == .claimed)
    }

    @Test func `refuses a batch when another mirror has moved the cursor`() async throws {
        let ledger = MemoryLedger(clock: { start })
        let first = batch(JobID(), .completed, version: 2, seq: 1, after: .start)

        #expect(try await ledger.apply(first))
        #expect(try await ledger.apply(first) == false)
        #expect(try await ledger.cursor() == LogPosition(epoch: 1, seq: 1))
    }

    private func batch(
        _ id: JobID, _ status: JobStatus, version: Int, epoch: Int64 = 1, seq: Int64, after: LogPosition
    ) -> MirrorBatch {
        let entry = LogEntry(
            position: LogPosition(epoch: epoch, seq: seq), verb: .repair, at: start,
            moves: [Move(id: id, version: version, from: .processing, to: status)])
        return MirrorBatch(folding: [entry], after: after)
    }
}

@Suite struct `A list cursor` {
    @Test func `comes back as it went out`() throws {
        let id = JobID()

        let back = try #require(ListCursor(ListCursor(newestFirst: true, last: id).text))

        #expect(back.last == id && back.newestFirst)
    }

    @Test(arguments: ["", "1a", "2a00000000000000000000000000000000", "1aZ1fb7a68717df7b378abba1a48bfeb00"])
    func `that was not given out is nil [H3]`(_ text: String) { #expect(ListCursor(text) == nil) }
}
