import TallyCore
import TallyDuties
import TallyRuntime
import TallyTesting
import TestSupport
import Testing

/// Counterexamples of the protocol model, replayed: pushes that come late or twice, and who answers them.
enum PushRules {
    /// completed → 30 s → the relay claims → 30 s → only now mirrored and reported → the relay pushes.
    static func tombstoneMirrored(_ s: RuleStage) async throws {
        let new = try await s.record()
        #expect(try await s.push(new.job, issued: new.issued) == .pushed)
        #expect(try await s.ack(s.take()) == .settled(.completed))
        s.clock.advance(by: .seconds(30))
        let answers = try await s.relay { _ in
            s.clock.advance(by: .seconds(30))
            let batch = try await s.read()
            #expect(try await s.commit(batch))
            for _ in 0..<4 { try await s.report(batch) }
        }

        #expect(answers == [.ended(.completed)])
        try await s.expectNoStart()
    }

    /// push with its reply lost → completed, mirrored → 60 s: the tombstone goes → the client pushes again.
    static func issuedBound(_ s: RuleStage) async throws {
        let new = try await s.record()
        #expect(try await s.push(new.job, issued: new.issued) == .pushed)
        #expect(try await s.ack(s.take()) == .settled(.completed))
        let batch = try await s.read()
        #expect(try await s.commit(batch))
        // Tombstones lie in two generations: the older goes at each round.
        for _ in 0..<4 {
            for _ in 0..<3 { try await s.report(batch) }
            s.clock.advance(by: .seconds(60))
        }
        try #require(try await s.ended(new.id) == nil)

        #expect(try await s.push(new.job, issued: new.issued) == .refused)
        try await s.expectNoStart()
    }

    /// push with its reply lost → completed → the client pushes again.
    static func tombstones(_ s: RuleStage) async throws {
        let new = try await s.record()
        #expect(try await s.push(new.job, issued: new.issued) == .pushed)
        #expect(try await s.ack(s.take()) == .settled(.completed))

        #expect(try await s.push(new.job, issued: new.issued) == .ended(.completed))
        try await s.expectNoStart()
    }

    /// recorded → the client dies → nobody would push.
    static func outbox(_ s: RuleStage) async throws {
        let new = try await s.record()

        #expect(try await s.scratch.ledger.views([new.id])[new.id]?.hasOutbox == true)
        #expect(try await s.findings() == [])
        #expect(try await Relay(queue: s.queue, ledger: s.ledger).step(olderThan: .zero) == 1)
        #expect(try await s.ack(s.take()) == .settled(.completed))
        #expect(try await s.scratch.ledger.views([new.id])[new.id]?.hasOutbox == false)
    }

    /// recorded, not yet pushed → the reconciler does not find it in Redis.
    static func outboxExcuse(_ s: RuleStage) async throws {
        let new = try await s.record()
        let reading = QueueReading(held: nil, ended: nil)
        var row = try #require(try await s.scratch.ledger.views([new.id])[new.id])

        #expect(Comparison.drift(reading, row, epoch: new.issued.epoch) == nil)
        row.hasOutbox = false
        #expect(Comparison.drift(reading, row, epoch: new.issued.epoch) == .waitsNowhere)
        #expect(try await s.findings() == [])
        #expect(try await s.push(new.job, issued: new.issued) == .pushed)
        #expect(try await s.reserve(10).count == 1)
    }

    /// leased, mirrored → lost tail → cancelled → the relay claims its old outbox row, the job row says version 2.
    static func outboxVersion(_ s: RuleStage) async throws {
        let id = try await s.begun(outboxStays: true)
        let image = try await s.image()
        let lease = try await s.take()
        try await s.mirror()
        try await s.restart(from: image)
        #expect(try await s.ack(lease) == .refused(.notProcessing))
        try await s.mirror()
        let epoch = try await s.queue.history().epoch
        #expect(try await s.queue.cancel(id, tombstone: nil) == .cancelled(version: 1, epoch: epoch))
        let batch = try await s.read()
        try await s.queue.open(epoch: epoch)
        #expect(try await s.row(id) == "processing 2")

        let answers = try await s.relay { row in #expect(row.pushes.map(\.version) == [1]) }

        #expect(answers == [.ended(.cancelled)])
        #expect(try await s.commit(batch))
        try await s.expectNoStart()
    }

    /// failed and requeued → lost tail: the old version waits → the requeue's push.
    static func pushSupersedes(_ s: RuleStage) async throws {
        let id = try await s.begun()
        let image = try await s.image()
        #expect(try await s.fail(s.take()) == .settled(.failed))
        try await s.mirror()
        #expect(try await s.requeue(id, seen: 2) == .requeued(version: 3))
        try await s.restart(from: image)
        #expect(try await s.reconciler.openIfHeld() == 0)

        #expect(try await s.relay() == [.pushed])

        #expect(try await s.reserve(10).map(\.version) == [4])
        try await s.mirror()
        #expect(try await s.row(id) == "processing 4")
    }
}

/// One after another: they share servers.
@Suite(.serialized) struct `A push in the model` {
    @Test func `that waited long meets the tombstone, whose time runs from its report [tombstone_mirrored]`()
        async throws
    {
        try await RuleStage.with(PushRules.tombstoneMirrored)
    }
    @Test func `that waited longer than tombstones live is refused [issued_bound]`() async throws {
        try await RuleStage.with(PushRules.issuedBound)
    }
    @Test func `of an ended job is answered from its tombstone [tombstones]`() async throws {
        try await RuleStage.with(PushRules.tombstones)
    }
    @Test func `that its client never made is made by the relay [outbox]`() async throws {
        try await RuleStage.with(PushRules.outbox)
    }
    @Test func `that is still under way is no drift [outbox_excuse]`() async throws {
        try await RuleStage.with(PushRules.outboxExcuse)
    }
    @Test func `of the relay carries the version of its outbox row [outbox_version]`() async throws {
        try await RuleStage.with(PushRules.outboxVersion)
    }
    @Test func `at a higher version replaces what is held [push_supersedes]`() async throws {
        try await RuleStage.with(PushRules.pushSupersedes)
    }
}
