import TallyCore
import Testing

@testable import TallyDuties

private let live: [JobStatus] = [.scheduled, .pending, .processing, .retrying]
private let ends: [JobStatus] = [.completed, .failed, .cancelled]

/// `verdict` of the protocol model, word for word, for what it knows: one history, no effects table.
private func verdict(_ reading: QueueReading, _ row: LedgerView?) -> Drift? {
    guard let row else { return nil }
    if row.status.isTerminal {
        guard let active = reading.held else { return nil }
        return active.version <= row.version ? .endedStillHeld : nil
    }
    if row.hasOutbox { return nil }
    guard let active = reading.held else {
        if let tombstone = reading.ended, tombstone.version >= row.version { return .endNotInLedger }
        return row.status == .processing ? .runsNowhere : .waitsNowhere
    }
    if active.version < row.version { return row.status != .processing ? .queueBehind : nil }
    return nil
}

private func row(_ status: JobStatus, _ version: Int, outbox: Bool = false, epoch: Int64 = 5) -> LedgerView {
    LedgerView(id: JobID(), status: status, version: version, epoch: epoch, seq: 1, hasOutbox: outbox)
}
private func held(_ status: JobStatus, _ version: Int) -> QueueReading {
    QueueReading(held: (status, version), ended: nil)
}
private func ended(_ status: JobStatus, _ version: Int) -> QueueReading {
    QueueReading(held: nil, ended: (status, version))
}
private let absent = QueueReading(held: nil, ended: nil)

@Suite struct `The comparison of the halves` {
    @Test func `says what the model says, over every pair of states`() {
        var readings = [absent]
        for version in 1...3 {
            readings += live.map { held($0, version) } + ends.map { ended($0, version) }
        }
        var compared = 0
        for reading in readings {
            for status in live + ends {
                for version in 1...3 {
                    for outbox in [false, true] {
                        let row = row(status, version, outbox: outbox)
                        let found = Comparison.drift(reading, row, epoch: 5)
                        // The model has no name for what the whole log should have told, and one name for all that waits.
                        switch found {
                        case .wrongTime:
                            let isTimeLost = reading.held?.status == .pending && row.status == .scheduled
                            #expect(
                                verdict(reading, row) == (isTimeLost ? nil : .waitsNowhere),
                                "\(reading.text) against \(row)")
                        case .ledgerBehind, .runsInLedgerOnly: #expect(verdict(reading, row) == nil)
                        default: #expect(found == verdict(reading, row), "\(reading.text) against \(row)")
                        }
                        compared += 1
                    }
                }
            }
        }
        #expect(compared == 22 * 7 * 3 * 2)
    }

    @Test func `calls a held job without a row D02, and nothing at all nothing`() {
        #expect(Comparison.drift(held(.pending, 1), nil, epoch: 5) == .rowMissing)
        #expect(Comparison.drift(absent, nil, epoch: 5) == nil)
        #expect(Comparison.drift(ended(.completed, 2), nil, epoch: 5) == nil)
    }

    @Test func `excuses a row whose outbox row is there, but not an ended one`() {
        #expect(Comparison.drift(absent, row(.pending, 1, outbox: true), epoch: 5) == nil)
        #expect(
            Comparison.drift(held(.pending, 1), row(.completed, 2, outbox: true), epoch: 5) == .endedStillHeld
        )
    }

    @Test func `calls another status D08 only where this history must have told it`() {
        #expect(Comparison.drift(held(.processing, 2), row(.pending, 2), epoch: 5) == .ledgerBehind)
        #expect(Comparison.drift(held(.processing, 3), row(.processing, 2), epoch: 5) == .ledgerBehind)
        #expect(Comparison.drift(held(.processing, 2), row(.pending, 2, epoch: 4), epoch: 5) == nil)
        #expect(Comparison.drift(held(.pending, 1), row(.pending, 1), epoch: 5) == nil)
    }
}

@Suite struct `The log` {
    /// How many entries may be applied; nil: none, for there is a gap before the first.
    private func dense(_ positions: [(Int64, Int64)], after: (Int64, Int64)) -> Int? {
        let entries = positions.map {
            LogEntry(
                position: LogPosition(epoch: $0.0, seq: $0.1), verb: .lease, at: Timestamp(microseconds: 0))
        }
        do throws(LogGap) {
            return try LogGap.dense(entries, after: LogPosition(epoch: after.0, seq: after.1))
        } catch {
            return nil
        }
    }

    @Test func `is whole when it is dense, also across histories`() {
        #expect(dense([], after: (1, 5)) == 0)
        #expect(dense([(1, 6), (1, 7)], after: (1, 5)) == 2)
        #expect(dense([(1, 6), (9, 1), (9, 2)], after: (1, 5)) == 3)
        #expect(dense([(3, 17), (3, 18)], after: (0, 0)) == 2)
    }

    @Test func `has a gap wherever an entry is missing, and is applied as far as that`() {
        #expect(dense([(1, 7)], after: (1, 5)) == nil)
        #expect(dense([(2, 2)], after: (1, 5)) == nil)
        #expect(dense([(1, 5)], after: (1, 5)) == nil)
        #expect(dense([(1, 6), (1, 8)], after: (1, 5)) == 1)
        #expect(dense([(1, 6), (2, 1), (1, 7)], after: (1, 5)) == 2)
        #expect(dense([(3, 17), (3, 19)], after: (0, 0)) == 1)
    }

    @Test func `with a gap is named by both ends`() {
        let gap = LogGap(after: LogPosition(epoch: 1, seq: 5), found: LogPosition(epoch: 1, seq: 9))

        #expect(gap.description.contains("1-9") && gap.description.contains("1-5"))
    }
}

@Suite struct `The statement` {
    private func statement(active: Int, drift: Int = 0, purged: Int = 0) -> Statement {
        Statement(
            Balances(
                accepted: 10 + purged, completed: 5, failed: 2, cancelled: 1, purged: purged, active: active,
                quarantined: 0),
            drift: drift)
    }

    @Test func `holds when the sum does and nothing differs`() {
        #expect(statement(active: 2).holds)
        #expect(statement(active: 2, purged: 4).holds)
        #expect(!statement(active: 3).holds)
        #expect(!statement(active: 2, drift: 1).holds)
    }

    @Test func `reads as the issue asks`() {
        #expect(
            statement(active: 2).description
                == "statement accepted=10 completed=5 failed=2 cancelled=1 active=2 outbox=0 outbox_age=0s drift=0"
        )
    }
}
