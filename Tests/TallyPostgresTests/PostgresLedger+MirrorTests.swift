import TallyCore
import Testing

@testable import TallyPostgres

extension PostgresTests {
    @Suite(.serialized) struct MirrorTests {
        @Test func `a batch is applied once, and only from where the cursor stands`() async throws {
            try await withLedger { fixture in
                let (recorded, queued) = (job(), job())
                let receipt = try await fixture.ledger.record([recorded])
                try await fixture.ledger.finishOutbox(try #require(receipt.outbox))
                try await fixture.ledger.finishOutbox(try #require(receipt.outbox))
                var batch = MirrorBatch(after: .start, upTo: LogPosition(epoch: 1, seq: 9))
                batch.events = [
                    event(recorded.id, .push, nil, .pending, version: 1, seq: 2),
                    event(recorded.id, .lease, .pending, .processing, version: 2, seq: 3),
                    event(recorded.id, .ack, .processing, .completed, version: 2, seq: 9),
                    event(queued.id, .push, nil, .pending, version: 1, seq: 4),
                ]
                batch.changed = [change(recorded.id, .completed, version: 2, seq: 9)]
                batch.created = [JobSnapshot(record: queued, status: .pending, version: 1, epoch: 1, seq: 4)]

                #expect(try await fixture.ledger.apply(batch))
                #expect(try await !fixture.ledger.apply(batch))
                var elsewhere = batch
                elsewhere.after = LogPosition(epoch: 7, seq: 7)
                #expect(try await !fixture.ledger.apply(elsewhere))

                #expect(try await fixture.ledger.cursor() == LogPosition(epoch: 1, seq: 9))
                #expect(try await fixture.ledger.events(recorded.id).map(\.verb) == [.push, .lease, .ack])
                let row = try #require(try await fixture.ledger.jobs([recorded.id])[recorded.id])
                #expect(row.status == .completed)
                #expect(row.workerID == WorkerID("w1"))
                #expect(row.seq == 9)
                #expect(try await fixture.ledger.jobs([queued.id])[queued.id]?.record == queued)
                let balances = try await fixture.ledger.balances()
                #expect(
                    balances
                        == Balances(
                            accepted: 2, completed: 1, failed: 0, cancelled: 0, purged: 0, active: 1,
                            quarantined: 0))
            }
        }

        @Test func `of two mirrors at one place one applies the batch`() async throws {
            try await withLedger(pool: 4) { fixture in
                let recorded = (0..<50).map { _ in job() }
                _ = try await fixture.ledger.record(recorded)
                let applied = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            var batch = MirrorBatch(after: .start, upTo: LogPosition(epoch: 1, seq: 1))
                            batch.changed = recorded.map { change($0.id, .cancelled, version: 1, seq: 1) }
                            return try await fixture.ledger.apply(batch)
                        }
                    }
                    return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
                }

                #expect(applied == 1)
                #expect(try await fixture.ledger.balances().cancelled == 50)
            }
        }

        /// `outranks` of Tests/Model/protocol.py, rules on.
        private func outranks(_ event: RowChange, _ row: JobSnapshot, floor: Int) -> Bool {
            if event.version < floor { return false }
            if row.status.isTerminal { return event.version > row.version }
            return (event.epoch, Int64(event.version), event.seq) > (row.epoch, Int64(row.version), row.seq)
        }

        private typealias Meeting = (row: JobSnapshot, floor: Int, change: RowChange)

        /// Each row stands at epoch 2, version 3, seq 5; with and without a requeue below it; live and ended. Each
        /// meets a change from before, at and after its place in each of the three.
        private static func rowsAndChanges() -> [Meeting] {
            var cases: [Meeting] = []
            for status in [JobStatus.pending, .completed, .failed] {
                for floor in [1, 3] {
                    for epoch in [1, 2, 3] as [Int64] {
                        for version in 2...4 {
                            for seq in [4, 5, 6] as [Int64] {
                                let row = JobSnapshot(
                                    record: job(), status: status, version: 3, completedAt: nil,
                                    updatedAt: .now, epoch: 2, seq: 5)
                                let next = change(
                                    row.record.id, .processing, version: version, seq: seq, epoch: epoch)
                                cases.append((row: row, floor: floor, change: next))
                            }
                        }
                    }
                }
            }
            return cases
        }

        /// The same change as a row of its own, as the mirror brings a job that the ledger may not know.
        private static func copied(_ meeting: Meeting) -> JobSnapshot {
            var job = meeting.row
            (job.epoch, job.version, job.seq) = (
                meeting.change.epoch, meeting.change.version, meeting.change.seq
            )
            job.status = .processing
            job.startedAt = .now
            job.workerID = WorkerID("w")
            return job
        }

        @Test(arguments: [true, false])
        func `a row takes exactly the changes that outrank it, copied or upserted`(asChange: Bool)
            async throws
        {
            try await withLedger { fixture in
                let all = Self.rowsAndChanges()
                try await fixture.apply(1) { $0.created = all.map(\.row) }
                _ = try await fixture.query(
                    "UPDATE tally.jobs SET floor = 3 WHERE id = ANY ($1)",
                    [.ids(all.filter { $0.floor == 3 }.map(\.row.record.id))])

                try await fixture.apply(2) { batch in
                    if asChange {
                        batch.changed = all.map(\.change)
                    } else {
                        batch.created = all.map(Self.copied)
                    }
                }

                let found = try await fixture.ledger.jobs(all.map(\.row.record.id))
                for one in all {
                    let isTaken = found[one.row.record.id]?.status == .processing
                    #expect(
                        isTaken == outranks(one.change, one.row, floor: one.floor),
                        "\(one.row.status) floor \(one.floor): \(one.change)")
                }
                let balances = try await fixture.ledger.balances()
                let still = Dictionary(grouping: found.values, by: \.status).mapValues(\.count)
                #expect(balances.accepted == all.count)
                #expect(balances.completed == still[.completed])
                #expect(balances.failed == still[.failed])
                #expect(balances.active == (still[.processing] ?? 0) + (still[.pending] ?? 0))
                #expect(balances.quarantined == 0)
            }
        }

        @Test func `one bad row of each kind goes to quarantine, the others are applied`() async throws {
            try await withLedger { fixture in
                let recorded = (0..<7).map { _ in job() }
                _ = try await fixture.ledger.record(recorded)
                let queued = (0..<5).map { _ in job() }
                try await fixture.apply(9) { batch in
                    batch.changed = recorded.map { change($0.id, .completed, version: 2, seq: 3) }
                    batch.changed[3].startedAt = Timestamp(microseconds: .min)
                    batch.created = queued.map {
                        JobSnapshot(record: $0, status: .failed, version: 2, epoch: 1, seq: 4)
                    }
                    batch.created[0].record.maxCrashes = 0
                    batch.events = recorded.map { event($0.id, .push, nil, .pending, version: 1, seq: 2) }
                    batch.events[6].at = Timestamp(microseconds: .min)
                    batch.unreadable = [
                        (job: .zero, position: LogPosition(epoch: 1, seq: 8), bytes: [0, 1, 255])
                    ]
                }

                #expect(try await fixture.ledger.cursor().seq == 9)
                let rows = try await fixture.ledger.jobs(recorded.map(\.id) + queued.map(\.id))
                #expect(rows.values.count { $0.status == .completed } == 6)
                #expect(rows.values.count { $0.status == .failed } == 4)
                #expect(rows[recorded[3].id]?.status == .pending)
                #expect(try await fixture.count("SELECT count(*) FROM tally.job_events") == 6)
                let aside = try await fixture.query(
                    "SELECT source, job_id FROM tally.quarantine ORDER BY source")
                #expect(
                    aside == [
                        [.text("changed"), .id(recorded[3].id)], [.text("created"), .id(queued[0].id)],
                        [.text("event"), .id(recorded[6].id)], [.text("unreadable"), .id(.zero)],
                    ])
                let balances = try await fixture.ledger.balances()
                #expect(balances.completed == 6)
                #expect(balances.failed == 4)
                #expect(balances.accepted == 11)
                #expect(balances.quarantined == 4)
            }
        }

        @Test func `a line that is refused goes to quarantine alone, and all others are kept`() async throws {
            try await withLedger { fixture in
                let jobs = (0..<3).map { _ in job() }
                _ = try await fixture.ledger.record(jobs)
                var lines = jobs.flatMap { job in
                    (1...3).map {
                        AttemptLine(
                            job: job.id, epoch: 1, version: 2, number: $0, at: .now, text: "line \($0)")
                    }
                }
                lines[0].text = "\u{0}" + String(repeating: "x", count: 10 << 20)
                lines[4].at = Timestamp(microseconds: .min)
                var beats = ["a", "b"].map {
                    WorkerBeat(
                        id: WorkerID($0), status: .running, queues: ["mail"], types: [], running: [],
                        concurrency: 1, startedAt: .now, host: "here", pid: 7)
                }
                beats[0].lines = Array(lines.prefix(5))
                beats[1].lines = Array(lines.dropFirst(5))
                try await fixture.apply(9) { batch in
                    batch.beats = beats.enumerated().map {
                        (beat: $1, at: .now, position: LogPosition(epoch: 1, seq: Int64($0 + 1)))
                    }
                }

                #expect(try await fixture.ledger.cursor().seq == 9)
                var kept: [[AttemptLine]] = []
                for job in jobs { kept.append(try await fixture.ledger.lines(job.id)) }
                #expect(kept.map { $0.map(\.number) } == [[1, 2, 3], [1, 3], [1, 2, 3]])
                #expect(kept[0][0].text == String(repeating: "x", count: Limits.attemptLineBytes))
                #expect(try await fixture.ledger.workers().count == 2)
                let aside = try await fixture.query("SELECT source, job_id FROM tally.quarantine")
                #expect(aside == [[.text("line"), .id(jobs[1].id)]])
            }
        }

        @Test func `a created job that is there already is brought to the later state, and counted once`()
            async throws
        {
            try await withLedger { fixture in
                let (old, new) = (job(), job())
                try await fixture.apply(1) {
                    $0.created = [JobSnapshot(record: old, status: .pending, version: 1, epoch: 1, seq: 1)]
                    $0.events = [event(old.id, .push, nil, .pending, version: 1, seq: 1)]
                }
                try await fixture.apply(5) {
                    $0.created = [
                        JobSnapshot(record: old, status: .completed, version: 2, epoch: 1, seq: 3),
                        JobSnapshot(record: new, status: .cancelled, version: 1, epoch: 1, seq: 4),
                    ]
                    $0.events = [
                        event(old.id, .push, nil, .pending, version: 1, seq: 1),
                        event(old.id, .ack, .processing, .completed, version: 2, seq: 3),
                    ]
                }

                let rows = try await fixture.ledger.jobs([old.id, new.id])
                #expect(rows[old.id]?.status == .completed)
                #expect(rows[new.id]?.status == .cancelled)
                #expect(try await fixture.ledger.events(old.id).count == 2)
                let balances = try await fixture.ledger.balances()
                #expect((balances.accepted, balances.completed, balances.cancelled) == (2, 1, 1))
            }
        }

        @Test func `worker reports overwrite older ones only`() async throws {
            try await withLedger { fixture in
                func beat(_ status: WorkerBeat.Status) -> WorkerBeat {
                    WorkerBeat(
                        id: WorkerID("w1"), status: status, queues: ["mail", "b"], types: ["t"],
                        running: [JobID(), JobID()],
                        concurrency: 4, startedAt: Timestamp(microseconds: 5), host: "h", pid: 7)
                }
                let (running, stopped) = (beat(.running), beat(.stopped))
                let now = Timestamp.now
                try await fixture.apply(1) {
                    $0.beats = [(stopped, now, $0.upTo), (running, now - .seconds(1), $0.upTo)]
                }
                try await fixture.apply(2) { $0.beats = [(running, now - .seconds(9), $0.upTo)] }

                #expect(try await fixture.ledger.workers() == [WorkerRow(beat: stopped, lastSeen: now)])
            }
        }
    }
}
