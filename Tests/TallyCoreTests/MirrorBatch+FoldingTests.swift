import Testing

@testable import TallyCore

private let start = Timestamp(microseconds: 1_893_456_000_000_000)

private func entry(_ epoch: Int64, _ seq: Int64, _ verb: Verb, _ moves: [Move], actor: String? = nil)
    -> LogEntry
{
    LogEntry(
        position: LogPosition(epoch: epoch, seq: seq), verb: verb, at: start + .seconds(seq), actor: actor,
        moves: moves)
}

@Suite struct `Folding log entries` {
    @Test func `keeps every event and each job's last state`() throws {
        let job = JobRecord(type: "a.b", createdAt: start)
        let other = JobID()
        let entries = [
            entry(1, 1, .push, [Move(id: job.id, version: 1, from: nil, to: .pending, record: job)]),
            entry(
                1, 2, .lease,
                [
                    Move(id: job.id, version: 2, from: .pending, to: .processing),
                    Move(id: other, version: 4, from: .pending, to: .processing),
                ], actor: "w"),
            entry(1, 3, .ack, [Move(id: job.id, version: 2, from: .processing, to: .completed, result: [1])]),
        ]

        let batch = MirrorBatch(folding: entries, after: .start)

        #expect(batch.upTo == LogPosition(epoch: 1, seq: 3))
        #expect(batch.events.count == 4)
        let created = try #require(batch.created.first)
        #expect(batch.created.count == 1 && batch.changed.map(\.id) == [other])
        #expect(created.status == .completed && created.version == 2 && created.result == [1])
        #expect(created.startedAt == start + .seconds(2) && created.completedAt == start + .seconds(3))
        #expect(created.workerID == WorkerID("w") && created.seq == 3)
        #expect(batch.changed[0].startedAt == start + .seconds(2))
    }

    @Test func `lets an end stand against a later history at the same version`() {
        let id = JobID()
        let entries = [
            entry(1, 5, .ack, [Move(id: id, version: 2, from: .processing, to: .completed)]),
            entry(2, 2, .lease, [Move(id: id, version: 2, from: .pending, to: .processing)]),
        ]

        let change = MirrorBatch(folding: entries, after: .start).changed[0]

        #expect(change.status == .completed && change.epoch == 1)
    }

    @Test func `has a change of a job that the ledger has as a change, with its priority, and begins no row`()
        throws
    {
        let (old, new, lacking) = (JobRecord(type: "a"), JobRecord(type: "a"), JobRecord(type: "a"))
        func changed(_ record: JobRecord) -> Move {
            var record = record
            record.priority = .critical
            return Move(
                id: record.id, version: 2, from: .pending, to: .scheduled, record: record,
                attempts: 1, crashes: 0, runAt: start + .seconds(60))
        }
        let entries = [
            entry(1, 1, .push, [changed(old)], actor: "change"),
            entry(1, 2, .push, [Move(id: new.id, version: 1, from: nil, to: .pending, record: new)]),
            entry(1, 3, .push, [changed(new)], actor: "change"),
            // What a repair tells of a job whole, the ledger lacks.
            entry(1, 4, .repair, [changed(lacking)], actor: "reconciler"),
        ]

        let batch = MirrorBatch(folding: entries, after: .start)

        let change = try #require(batch.changed.first)
        #expect(
            batch.changed.map(\.id) == [old.id] && batch.created.map(\.record.id) == [new.id, lacking.id])
        #expect(change.priority == .critical && change.scheduledAt == start + .seconds(60))
        #expect(change.status == .scheduled && change.version == 2 && change.attempts == 1)
        #expect(batch.created.allSatisfy { $0.record.priority == .critical && $0.status == .scheduled })
    }

    @Test func `puts bytes that cannot be read aside`() {
        let id = JobID()
        let move = Move(id: id, version: 1, from: nil, to: .pending, unreadable: [9])

        let batch = MirrorBatch(folding: [entry(1, 1, .push, [move])], after: .start)

        #expect(batch.unreadable.map(\.bytes) == [[9]])
        #expect(batch.events.isEmpty && batch.changed.isEmpty)
    }
}

@Suite struct `An error text` {
    @Test func `stays as it is when it is clean and short`() {
        #expect(ErrorText.clean("höflich") == "höflich")
    }

    @Test func `loses NUL and is cut between characters`() {
        let text = "\u{0}a" + String(repeating: "é", count: Limits.errorBytes)

        let clean = ErrorText.clean(text)

        #expect(clean.utf8.count == Limits.errorBytes - 1)
        #expect(clean.first == "a" && clean.last == "é")
    }
}
