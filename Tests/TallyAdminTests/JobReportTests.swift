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

    /// Of two shards, each with what it has.
    private func report(
        _ views: [QueueView], _ recorded: JobSnapshot? = nil, _ events: [JobEvent] = []
    ) -> JobReport? {
        let answers = views.enumerated().map { number, view in
            (shard: Shard(number), answer: Result<QueueView, QueueError>.success(view))
        }
        return JobReport(id, answers, recorded, events, ShardMap(count: 2), hasLedger: true)
    }

    /// A queue of that shard.
    private func name(on shard: Int) -> QueueName {
        let map = ShardMap(count: 2)
        return (0...).lazy.map { QueueName("queue-\($0)") }.first { map.shard(of: $0) == Shard(shard) }!
    }

    @Test func `is not whole where the record of another shard is damaged, and names that shard`() throws {
        let job = JobSnapshot(
            record: JobRecord(id: id, type: "t", queue: name(on: 0)), status: .pending, version: 1)
        let damaged = QueueView.Ended(status: .pending, version: 1)
        let views = [view { $0.held[id] = job }, view { $0.damaged[id] = damaged }]
        let report = try #require(self.report(views, job))

        #expect(report.inQueue.word == "pending" && !report.isWhole)
        let shards = try #require(report.json["shards"] as? [[String: Any]])
        #expect(shards.map { $0["shard"] as? Int } == [0, 1])
        #expect(shards.map { $0["damaged"] as? Bool } == [false, true])
        let whole = try #require(self.report([views[0], view { _ in }], job))
        #expect(whole.isWhole)
    }

    @Test(arguments: [JobStatus.pending, .completed])
    func `has the status of what the queue holds, whatever the row says`(_ row: JobStatus) throws {
        let held = self.row(.processing, 2)
        let report = try #require(self.report(view { $0.held[id] = held }, self.row(row, 5)))

        #expect(report.standing == QueueView.Ended(status: .processing, version: 2))
    }

    @Test func `tells a life by the shard of its log, also where a requeue begins it`() throws {
        func step(_ verb: Verb, _ from: JobStatus?, _ to: JobStatus, _ position: LogPosition) -> JobEvent {
            JobEvent(job: id, position: position, at: now, verb: verb, from: from, to: to, version: 3)
        }
        let requeue = step(
            .requeue, .failed, .pending, .ledgerFirst(.requeue, version: 3, epoch: 1))
        let push = step(.push, nil, .pending, LogPosition(shard: Shard(1), epoch: 1, seq: 4))
        let row = JobSnapshot(
            record: JobRecord(id: id, type: "t", queue: name(on: 1)), status: .pending, version: 3)

        // What came before was pruned; without a step of a log its queue says it.
        for events in [[requeue, push], [requeue]] {
            let report = try #require(self.report([view { _ in }, view { _ in }], row, events))
            #expect(report.lives == [events] && report.shard(of: events) == Shard(1))
            let history = try #require(report.json["history"] as? [[String: Any]])
            #expect(history.map { $0["shard"] as? Int } == events.map { _ in 1 })
        }
        let alone = try #require(self.report(view { _ in }, row, [requeue, push]))
        #expect(alone.shard(of: [requeue, push]) == nil)
    }

    /// Steps of one id that was used twice: `second` are those of its second life.
    private func twice(_ second: [(Verb, JobStatus, Int)]) -> [JobEvent] {
        let steps = [(Verb.push, JobStatus.pending, 1), (.cancel, .cancelled, 1)] + second
        return steps.enumerated().map { number, step in
            JobEvent(
                job: id, position: LogPosition(epoch: 1, seq: Int64(number + 1)), at: now, verb: step.0,
                from: step.0 == .push ? nil : .pending, to: step.1, version: step.2)
        }
    }

    @Test func `says of an id that was used twice which life its payload and its status are of`() throws {
        func told(_ report: JobReport?) throws -> [Int?] {
            let fields = try #require(report).json
            return [fields["life"] as? Int, fields["status_life"] as? Int]
        }
        // The row does not yield to the second life, which ended at the same version.
        let same = twice([(.push, .pending, 1), (.cancel, .cancelled, 1)])
        var first = row(.cancelled, 1)
        (first.epoch, first.seq) = (1, 2)
        let report = try #require(self.report(view { _ in }, first, same))
        #expect(try told(report) == [1, 1] && report.lifeText == "life 1")
        // It yields to a higher version, and keeps what was enqueued.
        let later = twice([(.push, .pending, 1), (.lease, .processing, 2), (.ack, .completed, 2)])
        var second = row(.completed, 2)
        (second.epoch, second.seq) = (1, 5)
        let mixed = try #require(self.report(view { _ in }, second, later))
        #expect(try told(mixed) == [1, 2])
        #expect(mixed.lifeText?.contains("life 1, status, result and times of life 2") == true)
        // The second is held: payload and status are its own, whether the mirror has brought it or not.
        let record = JobRecord(id: id, type: "t", createdAt: now)
        let held = view {
            $0.held[id] = JobSnapshot(record: record, status: .pending, version: 1)
        }
        for events in [twice([(.push, .pending, 1)]), twice([])] {
            #expect(try told(self.report(held, first, events)) == [2, 2])
        }
        // So is an end that the ledger does not have yet.
        let ended = view { $0.ended[id] = QueueView.Ended(status: .completed, version: 2) }
        #expect(try told(self.report(ended, first, twice([(.push, .pending, 1)]))) == [1, 2])
        // Of an id that was used once nothing is said.
        let once = try #require(self.report(view { _ in }, first, twice([])))
        #expect(try told(once) == [nil, nil] && once.lifeText == nil)
    }

    @Test func `of the only Redis that cannot be read is what the ledger has`() throws {
        let away = QueueError(.wrongServer, "inspect", "key")
        let answers = [(shard: Shard.first, answer: Result<QueueView, QueueError>.failure(away))]
        let report = try #require(
            JobReport(id, answers, row(.pending, 1), [], ShardMap(), hasLedger: true))

        #expect(report.inQueue.word == "unknown" && !report.isWhole && report.unread.count == 1)
        #expect(report.json["in_postgres"] as? String == "pending" && report.json["unread_shards"] == nil)
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
