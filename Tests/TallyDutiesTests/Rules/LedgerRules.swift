import Synchronization
import TallyCore
import TallyDuties
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

@testable import Tallystick

/// True the first time only.
final class Once: Sendable {
    private let isOver = Mutex(false)
    func pass() -> Bool {
        isOver.withLock { isOver in
            defer { isOver = true }
            return !isOver
        }
    }
}

extension RuleStage {
    func requeue(_ id: JobID, seen version: Int) async throws -> RequeueAnswer {
        try await ledger.requeue(id, seen: version, runAt: nil, resetAttempts: true, actor: "operator")
    }
    func complete(_ lease: Lease) async throws -> EffectAnswer {
        try await scratch.ledger.withTransaction { transaction in
            try await scratch.ledger.complete(lease, result: [], in: transaction)
        }
    }
}

/// Counterexamples of the protocol model, replayed: what the ledger decides, and what the reconciler makes of it.
enum LedgerRules {
    /// two operators see the same failure → the first requeues → it fails again → the second requeues.
    static func requeueVersion(_ s: RuleStage) async throws {
        let id = try await s.begun()
        #expect(try await s.fail(s.take()) == .settled(.failed))
        try await s.mirror()
        let seen = try #require(try await s.scratch.ledger.views([id])[id]).version
        #expect(try await s.requeue(id, seen: seen) == .requeued(version: 3))
        #expect(try await s.relay() == [.pushed])
        #expect(try await s.fail(s.take()) == .settled(.failed))
        try await s.mirror()

        #expect(try await s.requeue(id, seen: seen) == .notFailed(.failed))

        #expect(try await s.row(id) == "failed 4")
        try await s.expectNoStart()
    }

    /// failed, mirrored, requeued → lost tail: the lease is there again → it fails once more, at its old version.
    static func requeueFloor(_ s: RuleStage) async throws {
        let id = try await s.begun()
        let lease = try await s.take()
        let image = try await s.image()
        #expect(try await s.fail(lease) == .settled(.failed))
        try await s.mirror()
        #expect(try await s.requeue(id, seen: 2) == .requeued(version: 3))
        try await s.restart(from: image)
        #expect(try await s.fail(lease) == .settled(.failed))
        try await s.mirror()

        #expect(try await s.row(id) == "pending 3")

        _ = try await s.reconciler.openIfHeld()
        #expect(try await s.relay() == [.pushed])
        #expect(try await s.ack(s.take()) == .settled(.completed))
        try await s.mirror()
        #expect(try await s.row(id) == "completed 4")
    }

    /// no effect seen → the lease runs out → another is leased, sees none either → both commit their effect.
    static func effectsKey(_ s: RuleStage) async throws {
        let id = try await s.begun()
        let first = try await s.take()
        #expect(try await s.scratch.ledger.committedEffect(of: id) == nil)
        s.clock.advance(by: .seconds(31))
        let second = try await s.take()
        #expect(try await s.scratch.ledger.committedEffect(of: id) == nil)

        #expect(try await s.complete(first) == .claimed)
        #expect(try await s.complete(second) == .committed(result: []))
    }

    /// two mirrors read the same entries → both commit.
    static func cursorCompared(_ s: RuleStage) async throws {
        let new = try await s.record()
        #expect(try await s.push(new.job, issued: new.issued) == .pushed)
        let (one, other) = (try await s.read(), try await s.read())

        #expect(try await s.commit(one))
        #expect(try await !s.commit(other))

        #expect(try await s.scratch.ledger.events(new.id).map(\.verb) == [.push])
        #expect(try await s.scratch.ledger.cursor() == one.upTo)
    }

    /// cancelled in Redis, not yet mirrored → the reconciler reads the ledger at once.
    static func barrier(_ s: RuleStage) async throws {
        let id = try await s.begun()
        _ = try await s.queue.cancel(id, tombstone: nil)
        let view = try await s.queue.inspect([id])
        let row = try await s.scratch.ledger.views([id])[id]
        let reading = QueueReading(
            held: nil, ended: view.ended[id].map { ($0.status, $0.version) })
        #expect(Comparison.drift(reading, row, epoch: view.history.epoch) == .endNotInLedger)

        #expect(try await s.findings() == [])

        #expect(try await s.scratch.ledger.cursor() >= view.history.end)
        #expect(try await s.row(id) == "cancelled 1")
    }

    /// the reconciler sees it wait → cancelled, acknowledged → it reads the ledger: ended → it repairs what it saw.
    static func repairCompared(_ s: RuleStage) async throws {
        let id = try await s.begun()
        let view = try await s.queue.inspect([id])
        #expect(view.held[id]?.status == .pending)
        #expect(try await s.canceller.cancel(id) == .cancelled)
        let end = try await s.queue.history().end
        let repair = QueueRepair(
            id: id, epoch: view.history.epoch, expected: .held(.pending, version: 1),
            action: .end(.cancelled, version: 1), code: "D05")

        #expect(try await !s.queue.repair(repair))
        #expect(try await s.queue.history().end == end)

        // And as the reconciler does it: the job goes between its look and its reading of the ledger.
        let other = try await s.begun()
        s.interruption.before(.read) {  // `active`, then the views
            s.interruption.before(.read) { _ = try await s.canceller.cancel(other) }
        }
        #expect(try await s.findings() == [])
        #expect(s.interruption.isDone)
        #expect(try await s.row(other) == "cancelled 1")
    }
}

/// One after another: they share servers.
@Suite(.serialized) struct `The ledger in the model` {
    @Test func `requeues a failure once, for whoever saw it first [requeue_version]`() async throws {
        try await RuleStage.with(LedgerRules.requeueVersion)
    }
    @Test func `takes no event from below its last requeue [requeue_floor]`() async throws {
        try await RuleStage.with(LedgerRules.requeueFloor)
    }
    @Test func `keeps one effect a job, whatever its leases [effects_key]`() async throws {
        try await RuleStage.with(LedgerRules.effectsKey)
    }
    @Test func `applies a batch for one of two mirrors [cursor_cas]`() async throws {
        try await RuleStage.with(LedgerRules.cursorCompared)
    }
    @Test func `is read by the reconciler past the barrier only [barrier]`() async throws {
        try await RuleStage.with(LedgerRules.barrier)
    }
    @Test func `is compared with what is still so when it is repaired [repair_cas]`() async throws {
        try await RuleStage.with(LedgerRules.repairCompared)
    }
}
