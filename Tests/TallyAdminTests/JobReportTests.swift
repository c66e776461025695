import TallyCore
import Testing

@testable import TallyAdmin

@Suite struct `The report of a job` {
    private let id = JobID()
    private let now = Timestamp(microseconds: 1_800_000_000_000_000)

    private func row(_ status: JobStatus, _ version: Int) -> JobSnapshot {
        JobSnapshot(record: JobRecord(id: id, type: "t"), status: status, version: version)
    }

    private func view(_ change: (inout QueueView) -> Void) -> QueueView {
        let history = QueueHistory(epoch: 1, seq: 9, isHeld: false, now: now, logLength: 9)
        var view = QueueView(held: [:], ended: [:], history: history)
        change(&view)
        return view
    }

    private func report(
        _ view: QueueView, _ recorded: JobSnapshot? = nil, _ events: [JobEvent] = []
    ) -> JobReport? {
        JobReport(id, [(Shard.first, .success(view))], recorded, events, ShardMap(), hasLedger: true)
    }

    @Test func `is none of an id that neither half knows`() {
        #expect(report(view { _ in })?.id == nil)
    }

    @Test func `of an end without a row tells the id, its status and its version`() throws {
        let end = QueueView.Ended(status: .cancelled, version: 3)
        let seen = view { $0.ended[id] = end }
        let report = try #require(self.report(seen))

        #expect(report.job == nil && report.standing == end && report.isWhole)
        let fields = report.json
        #expect(
            Set(fields.keys) == ["id", "status", "version", "in_redis", "in_postgres", "history"])
        #expect(fields["id"] as? String == id.description && fields["status"] as? String == "cancelled")
        #expect(fields["version"] as? Int == 3 && fields["in_redis"] as? String == "cancelled")
        #expect(fields["in_postgres"] as? String == "absent")
    }

    /// The row, the end that the queue remembers, and what is told as its status and as the queue's.
    @Test(arguments: [
        (JobStatus.processing, 2, JobStatus.completed, 2, "completed", "completed"),
        (JobStatus.pending, 1, JobStatus.completed, 2, "completed", "completed"),
        // Mirrored.
        (JobStatus.completed, 2, JobStatus.completed, 2, "completed", "absent"),
        // The end of the version before: it was requeued since.
        (JobStatus.pending, 3, JobStatus.failed, 2, "pending", "absent"),
        // The id was used again.
        (JobStatus.cancelled, 1, JobStatus.completed, 2, "completed", "completed"),
    ])
    func `tells of an end where it is later than the row`(
        _ status: JobStatus, _ version: Int, _ end: JobStatus, _ endVersion: Int, _ told: String,
        _ inQueue: String
    ) throws {
        let ended = QueueView.Ended(status: end, version: endVersion)
        let seen = view { $0.ended[id] = ended }
        let report = try #require(self.report(seen, row(status, version)))

        let fields = report.json
        #expect(fields["status"] as? String == told && fields["type"] as? String == "t")
        #expect(fields["in_redis"] as? String == inQueue)
        #expect(fields["in_postgres"] as? String == status.rawValue && report.isWhole)
    }

    @Test(arguments: [false, true])
    func `of a damaged record says so, and is not whole`(_ isRecorded: Bool) throws {
        let damaged = QueueView.Ended(status: .processing, version: 2)
        let seen = view { $0.damaged[id] = damaged }
        let report = try #require(self.report(seen, isRecorded ? row(.pending, 1) : nil))

        #expect(report.inQueue.word == "damaged" && !report.isWhole && report.standing == damaged)
        #expect((report.json["type"] != nil) == isRecorded)
        #expect(report.json["status"] as? String == "processing")
    }

    @Test func `numbers the lives of its id`() throws {
        func step(_ verb: Verb, _ from: JobStatus?, _ to: JobStatus, _ seq: Int64) -> JobEvent {
            JobEvent(
                job: id, position: LogPosition(epoch: 1, seq: seq), at: now, verb: verb, from: from, to: to,
                version: 1)
        }
        let events = [
            step(.push, nil, .pending, 1), step(.cancel, .pending, .cancelled, 2),
            step(.push, nil, .pending, 7), step(.cancel, .pending, .cancelled, 8),
        ]
        let report = try #require(self.report(view { _ in }, row(.cancelled, 1), events))

        let history = try #require(report.json["history"] as? [[String: Any]])
        #expect(history.map { $0["life"] as? Int } == [1, 1, 2, 2])
        #expect(history.map { $0["event"] as? String } == ["push", "cancel", "push", "cancel"])
        #expect(history.allSatisfy { $0["shard"] == nil })
    }
}
