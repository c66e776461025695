import TallyCore
import Testing

@testable import TallyDuties

/// What is done about drift of one job, over everything that it is decided by. No stores.
@Suite struct `A remedy` {
    private let record = JobRecord(type: "t")
    private let due = Timestamp(microseconds: 1_893_456_000_000_000)

    private func job(_ status: JobStatus, _ version: Int) -> JobSnapshot {
        JobSnapshot(record: record, status: status, version: version, attempts: 1, runAt: due)
    }

    private func view(
        _ job: JobSnapshot, hasHeldChanges: Bool = false, hasBegun: Bool = true
    ) -> LedgerView {
        LedgerView(
            id: record.id, status: job.status, version: job.version, epoch: 1, seq: 1, hasOutbox: false,
            hasHeldChanges: hasHeldChanges, hasBegun: hasBegun)
    }

    private func action(
        _ drift: Drift, _ reading: QueueReading, _ job: JobSnapshot?, hasEffect: Bool = false
    ) -> QueueRepair.Action? {
        Remedies.action(drift, record.id, reading, job.map { view($0) }, job, hasEffect: hasEffect)
    }

    private func pushed(_ version: Int, at time: Timestamp? = nil) -> QueueRepair.Action {
        .push(Push(record, version: version, runAt: time, attempts: 1))
    }

    private static let absent = QueueReading(held: nil, ended: nil)
    private static func held(_ status: JobStatus, _ version: Int) -> QueueReading {
        QueueReading(held: (status, version), ended: nil)
    }
    private static func ended(_ status: JobStatus, _ version: Int) -> QueueReading {
        QueueReading(held: nil, ended: (status, version))
    }

    @Test func `pushes what Redis lost, a lost lease under a new version, and a time only where it waits`() {
        #expect(action(.waitsNowhere, Self.absent, job(.pending, 3)) == pushed(3))
        #expect(action(.waitsNowhere, Self.absent, job(.scheduled, 1)) == pushed(1, at: due))
        #expect(action(.runsNowhere, Self.absent, job(.processing, 2)) == pushed(3))
        #expect(action(.queueBehind, Self.held(.pending, 2), job(.retrying, 5)) == pushed(5, at: due))
        #expect(action(.wrongTime, Self.absent, job(.scheduled, 1)) == pushed(1, at: due))
        #expect(action(.wrongTime, Self.held(.scheduled, 1), job(.scheduled, 1)) == .wait(until: due))
    }

    @Test func `pushes what has not begun as such, unless its lease was lost`() {
        func pushed(_ drift: Drift, _ job: JobSnapshot, hasBegun: Bool) -> Bool? {
            let action = Remedies.action(
                drift, record.id, Self.absent, view(job, hasBegun: hasBegun), job, hasEffect: false)
            guard case .push(let push)? = action else { return nil }
            return push.hasBegun
        }

        for drift in [Drift.waitsNowhere, .queueBehind, .wrongTime] {
            #expect(pushed(drift, job(.scheduled, 3), hasBegun: false) == false, "\(drift)")
            #expect(pushed(drift, job(.scheduled, 3), hasBegun: true) == true, "\(drift)")
        }
        #expect(pushed(.runsNowhere, job(.processing, 2), hasBegun: false) == true)
        #expect(pushed(.waitsNowhere, job(.pending, 1), hasBegun: true) == false)
    }

    @Test func `tells the ledger what Redis knows of a live job, and Redis how an ended one ended`() {
        #expect(action(.rowMissing, Self.held(.pending, 1), nil) == .logState(withRecord: true))
        for drift in [Drift.runsInLedgerOnly, .ledgerBehind] {
            let told = action(drift, Self.held(.pending, 3), job(.processing, 2))
            #expect(told == .logState(withRecord: false), "\(drift)")
        }
        #expect(action(.endNotInLedger, Self.ended(.failed, 2), job(.processing, 2)) == .logEnd)
        let still = action(.endedStillHeld, Self.held(.processing, 4), job(.cancelled, 4))
        #expect(still == .end(.cancelled, version: 4))
    }

    @Test func `writes a damaged record again, or ends the job where nobody has another`() {
        let reading = Self.held(.pending, 7)

        #expect(action(.recordDamaged, reading, job(.pending, 7)) == .rewrite(record))
        let place = QueuePlace(id: record.id, version: 7)
        guard case .failWithoutRecord(let stub, place)? = action(.recordDamaged, reading, nil) else {
            Issue.record("nothing is done about it")
            return
        }
        #expect(stub.id == record.id && stub.type == "unknown")
    }

    @Test func `of a job whose effect is committed is its completion, and never another run`() {
        for drift in [Drift.waitsNowhere, .runsNowhere, .queueBehind, .wrongTime] {
            let ends = action(drift, Self.absent, job(.pending, 3), hasEffect: true)
            #expect(ends == .end(.completed, version: 3), "\(drift)")
        }
        let row = job(.processing, 2)
        #expect(
            action(.endNotInLedger, Self.ended(.failed, 4), row, hasEffect: true)
                == .end(.completed, version: 4))
        #expect(action(.endNotInLedger, Self.ended(.completed, 4), row, hasEffect: true) == .logEnd)
    }

    @Test func `is none where the row has moved on, or has not all that is known of it`() {
        let compared = job(.pending, 3)
        for later in [job(.pending, 4), job(.processing, 3)] {
            let action = Remedies.action(
                .waitsNowhere, record.id, Self.absent, view(compared), later, hasEffect: false)
            #expect(action == nil)
        }
        #expect(
            Remedies.action(
                .waitsNowhere, record.id, Self.absent, view(compared, hasHeldChanges: true), compared,
                hasEffect: true) == nil)
    }

    @Test func `is none for what no job alone can be mended of`() {
        for drift in Drift.allCases where drift.remedy == .person {
            #expect(action(drift, Self.absent, job(.pending, 1)) == nil, "\(drift)")
        }
    }
}
