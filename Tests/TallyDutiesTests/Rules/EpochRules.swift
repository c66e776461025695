import TallyCore
import TallyDuties
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

/// Counterexamples of the protocol model, replayed: a server that loses its data, and the epoch that follows.
enum EpochRules {
    /// lost tail → the same lease is handed out anew and acked → the ledger knows a later lease of the old history.
    static func guardEpoch(_ s: RuleStage) async throws {
        let id = try await s.begun()
        let image = try await s.image()
        let first = try await s.take()
        let retry = Settlement.retry(first, runAt: s.clock.now + .seconds(1), attempts: 1, error: "once")
        #expect(try await s.queue.settle([retry]) == [.settled(.retrying)])
        s.clock.advance(by: .seconds(1))
        let second = try await s.take()
        try await s.mirror()
        #expect(try await s.row(id) == "processing 3")

        try await s.restart(from: image)
        #expect(try await s.ack(second) == .refused(.notProcessing))
        try await s.mirror()
        #expect(try await s.reconciler.openIfHeld() == 0)
        let again = try await s.take()
        #expect(again.version == 2)
        #expect(try await s.ack(again) == .settled(.completed))
        try await s.mirror()

        #expect(try await s.row(id) == "completed 2")
        #expect(try await s.findings() == [])
        try await s.expectNoStart()
    }

    /// push with its reply lost → cancelled and acknowledged → FLUSHALL → the client pushes again.
    static func issuedOpen(_ s: RuleStage) async throws {
        let new = try await s.record()
        #expect(try await s.push(new.job, issued: new.issued) == .pushed)
        try await s.mirror()
        #expect(try await s.canceller.cancel(new.id) == .cancelled)

        try await s.flush()
        #expect(try await s.push(new.job, issued: new.issued) == .refused)
        _ = try await s.reconciler.openIfHeld()
        #expect(try await s.push(new.job, issued: new.issued) == .refused)

        try await s.expectNoStart()
    }

    /// cancelled and acknowledged → lost tail → a worker asks before anybody compared.
    static func hold(_ s: RuleStage) async throws {
        let id = try await s.begun(outboxStays: true)
        let image = try await s.image()
        #expect(try await s.canceller.cancel(id) == .cancelled)

        try await s.scratch.queue.restart(from: image)
        #expect(try await s.reserve(10) == [])
        #expect(try await s.reconciler.openIfHeld() == 1)

        try await s.expectNoStart()
    }

    /// lease → failed and requeued → lost tail: the lease is there again → the requeue's push → a second lease.
    static func detourAtEpoch(_ s: RuleStage) async throws {
        let id = try await s.begun()
        let first = try await s.take()
        let image = try await s.image()
        #expect(try await s.fail(first) == .settled(.failed))
        try await s.mirror()
        #expect(try await s.requeue(id, seen: 2) == .requeued(version: 3))

        try await s.restart(from: image)
        try await s.mirror()
        #expect(try await s.reconciler.openIfHeld() == 0)
        #expect(try await s.relay() == [.pushed])
        let second = try await s.take()

        #expect(second.version == 4)
        #expect(try await s.queue.counts().map(\.processing) == [1])
        #expect(try await s.ack(first) != .settled(.completed))
        #expect(try await s.ack(second) == .settled(.completed))
    }

    /// recorded and pushed, never mirrored → FLUSHALL → the new log is empty, so the barrier is never passed.
    static func epochEntry(_ s: RuleStage) async throws {
        let new = try await s.record()
        #expect(try await s.push(new.job, issued: new.issued) == .pushed)
        try await s.ledger.finishOutbox(new.outbox)

        try await s.flush()
        let end = try await s.queue.history().end
        let log = try await s.scratch.queue.log(after: .start, limit: 10)
        try #require(log.map(\.verb) == [.epoch] && log.map(\.position) == [end] && end.seq == 1)
        #expect(try await s.reconciler.openIfHeld() == 1)

        let lease = try await s.take()
        #expect(lease.id == new.id)
        #expect(try await s.ack(lease) == .settled(.completed))
    }

    /// leased → FLUSHALL → the relay pushes anew → leased again at the same version → the first worker acks.
    static func tokenEpoch(_ s: RuleStage) async throws {
        let new = try await s.record()
        #expect(try await s.push(new.job, issued: new.issued) == .pushed)
        let first = try await s.take()

        try await s.flush()
        #expect(try await s.reconciler.openIfHeld() == 0)
        #expect(try await s.relay() == [.pushed])
        let second = try await s.take()

        #expect(first.version == second.version && first.epoch < second.epoch)
        #expect(try await s.ack(first) == .refused(.mismatch))
        #expect(try await s.ack(second) == .settled(.completed))
        #expect(try await s.ack(first) != .settled(.completed))
    }

    /// completed and mirrored → lost tail: the lease is there again and runs out → the job waits again.
    static func sticky(_ s: RuleStage) async throws {
        let id = try await s.begun()
        let lease = try await s.take()
        let image = try await s.image()
        #expect(try await s.ack(lease) == .settled(.completed))
        try await s.mirror()

        try await s.restart(from: image)
        s.clock.advance(by: .seconds(31))
        #expect(try await s.queue.reclaim(10) == 1)
        try await s.mirror()
        #expect(try await s.row(id) == "completed 2")
        #expect(try await s.reconciler.openIfHeld() == 1)

        try await s.expectNoStart()
    }

    /// lost tail → a repair pushes a later version beside the element that came back → both are popped.
    static func outdated(_ s: RuleStage) async throws {
        let id = try await s.begun()
        let image = try await s.image()
        let first = try await s.take()
        let batch = try await s.read()
        #expect(try await s.ack(first) == .settled(.completed))
        #expect(try await s.commit(batch))
        try await s.report(batch)
        try await s.flush()
        #expect(try await s.reconciler.openIfHeld() == 1)  // D04: pending 3
        try await s.mirror()

        try await s.restart(from: image)
        #expect(try await s.reconciler.openIfHeld() == 1)  // D07: 3 beside the element of 1
        let leases = try await s.reserve(10)
        #expect(leases.map(\.version) == [4])
        for lease in leases { _ = try await s.ack(lease) }
        try await s.mirror()

        #expect(try await s.row(id) == "completed 4")
        #expect(try await s.findings() == [])
        try await s.expectNoStart()
    }
}

/// One after another: they share servers.
@Suite(.serialized) struct `A lost server in the model` {
    @Test func `is outranked by its successor's steps [guard_epoch]`() async throws {
        try await RuleStage.with(EpochRules.guardEpoch)
    }
    @Test func `takes no push of the time before [issued_open]`() async throws {
        try await RuleStage.with(EpochRules.issuedOpen)
    }
    @Test func `hands out nothing before the halves were compared [hold]`() async throws {
        try await RuleStage.with(EpochRules.hold)
    }
    @Test func `keeps one lease a job across its return [detour_at_epoch]`() async throws {
        try await RuleStage.with(EpochRules.detourAtEpoch)
    }
    @Test func `shows its new history though nothing moved yet [epoch_entry]`() async throws {
        try await RuleStage.with(EpochRules.epochEntry)
    }
    @Test func `honours no token of the time before [token_epoch]`() async throws {
        try await RuleStage.with(EpochRules.tokenEpoch)
    }
    @Test func `does not revive what the ledger knows as ended [sticky]`() async throws {
        try await RuleStage.with(EpochRules.sticky)
    }
    @Test func `drops elements of an earlier version [outdated]`() async throws {
        try await RuleStage.with(EpochRules.outdated)
    }
}
