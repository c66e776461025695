import TallyCore
import TallyDuties
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

/// Counterexamples of the protocol model, replayed: cancellations that were acknowledged, and servers that forget.
enum CancelRules {
    /// cancel of an id that nobody knows → it is enqueued → it would meet a tombstone that the ledger knows nothing of.
    static func cancelVersion(_ s: RuleStage) async throws {
        let job = JobRecord(type: "t", createdAt: s.clock.now)
        let before = try await s.queue.history().end
        #expect(try await s.canceller.cancel(job.id) == .notFound)
        #expect(try await s.queue.history().end == before)
        let issued = try await s.stamp()
        let outbox = try #require(try await s.ledger.record([job]).outbox)

        #expect(try await s.push(job, issued: issued) == .pushed)

        try await s.ledger.finishOutbox(outbox)
        #expect(try await s.findings() == [])
        #expect(try await s.take().id == job.id)
        // Unknown to Redis alone: the tombstone is at the version that the ledger names.
        let other = try await s.record()
        #expect(try await s.canceller.cancel(other.id) == .cancelled)
        #expect(try await s.queue.inspect([other.id]).ended[other.id]?.version == 1)
        #expect(try await s.push(other.job, issued: other.issued) == .ended(.cancelled))
    }

    /// cancelled in Redis alone → lost tail → it runs: so nobody may have been told that it is cancelled.
    static func cancelLedger(_ s: RuleStage) async throws {
        let id = try await s.begun(outboxStays: true)
        let image = try await s.image()
        s.interruption.fail(.recordCancel, .unavailable)
        guard case .uncertain = try await s.canceller.cancel(id) else {
            Issue.record("acknowledged before the ledger said so")
            return
        }
        #expect(try await s.ended(id) == .cancelled)
        #expect(try await s.row(id) == "pending 1")

        try await s.restart(from: image)
        #expect(try await s.reconciler.openIfHeld() == 0)

        #expect(try await s.reserve(10).map(\.id) == [id])
    }

    /// cancelled in Redis → lost tail, compared, opened → only now the ledger write of the old history.
    static func cancelEpoch(_ s: RuleStage) async throws {
        let id = try await s.begun(outboxStays: true)
        let image = try await s.image()
        s.interruption.before(.recordCancel) {
            try await s.restart(from: image)
            #expect(try await s.reconciler.openIfHeld() == 0)
            #expect(try await s.row(id) == "pending 1")
        }

        #expect(try await s.canceller.cancel(id) == .cancelled)

        #expect(s.interruption.isDone)
        #expect(try await s.ended(id) == .cancelled)
        #expect(try await s.row(id) == "cancelled 1")
        try await s.expectNoStart()
    }

    /// As above, but Redis answers from the tombstone of a canceller that died: the epoch is that of the answer.
    static func cancelEpochOfTombstone(_ s: RuleStage) async throws {
        let id = try await s.begun(outboxStays: true)
        let image = try await s.image()
        _ = try await s.queue.cancel(id, tombstone: nil)
        let loss: Interruption.Body = {
            try await s.restart(from: image)
            #expect(try await s.reconciler.openIfHeld() == 0)
            _ = try await s.stamp()
        }
        s.interruption.before(.cancel) {
            // After the answer, whatever the canceller asks next.
            let isFirst = Once()
            for call in [SeamCall.stamp, .recordCancel] {
                s.interruption.before(call) { if isFirst.pass() { try await loss() } }
            }
        }

        #expect(try await s.canceller.cancel(id) == .cancelled)

        #expect(try await s.ended(id) == .cancelled)
        #expect(try await s.row(id) == "cancelled 1")
        try await s.expectNoStart()
    }

    /// cancelled and acknowledged, the outbox row still there → lost tail: the row in the outbox excuses nothing.
    static func terminalNotInFlight(_ s: RuleStage) async throws {
        let id = try await s.begun(outboxStays: true)
        let image = try await s.image()
        #expect(try await s.canceller.cancel(id) == .cancelled)
        try await s.restart(from: image)
        try await s.mirror()
        #expect(try await s.scratch.ledger.views([id])[id]?.hasOutbox == true)

        #expect(try await s.reconciler.openIfHeld() == 1)

        try await s.expectNoStart()
    }
}

/// One after another: they share servers.
@Suite(.serialized) struct `A cancellation in the model` {
    @Test func `of an unknown id writes nothing, else the ledger's version [cancel_version]`() async throws {
        try await RuleStage.with(CancelRules.cancelVersion)
    }
    @Test func `is acknowledged when the ledger says so [cancel_ledger]`() async throws {
        try await RuleStage.with(CancelRules.cancelLedger)
    }
    @Test func `starts over when its history is gone before the ledger has it [cancel_epoch]`() async throws {
        try await RuleStage.with(CancelRules.cancelEpoch)
    }
    @Test func `that another began starts over as well [cancel_epoch]`() async throws {
        try await RuleStage.with(CancelRules.cancelEpochOfTombstone)
    }
    @Test func `outlives a lost tail though its outbox row is there [terminal_not_in_flight]`() async throws {
        try await RuleStage.with(CancelRules.terminalNotInFlight)
    }
}
