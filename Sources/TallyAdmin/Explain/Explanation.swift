import TallyCore

/// One job explained: both halves side by side, every transition, and what comes next.
package struct Explanation: Sendable {
    /// A half that could not be asked, or something of it.
    package struct Unasked: Hashable, Sendable {
        /// `redis`, `redis/1` and the like, `postgres`, `workers`, `duties`, `log` or `lineage`.
        package let what: String
        /// Why.
        package let why: String

        /// What could not be asked, and why.
        package init(_ what: String, _ why: String) {
            self.what = what
            self.why = why
        }
    }

    /// Both halves.
    package let report: JobReport
    /// The job as the half has it that knows the later.
    package var job: JobSnapshot { situation.job }
    /// What decides how it goes on.
    package let situation: JobSituation
    /// What comes next, the first thing first.
    package let next: [JobProspect]
    /// What its handlers have logged, attempt by attempt.
    package let lines: [AttemptLine]
    /// What could not be asked: what depends on it is missing here.
    package let unasked: [Unasked]
    /// From which job it was enqueued anew, and as which; empty where nobody replayed it.
    package var lineage: [ReplayLink] = []

    /// Decides what comes next.
    init(
        _ report: JobReport, _ situation: JobSituation, lines: [AttemptLine] = [], _ unasked: [Unasked]
    ) {
        self.report = report
        self.lines = lines
        self.situation = situation
        self.unasked = unasked
        next = JobProspect.next(of: situation)
    }

    /// Each transition with the time since the one before; nil for the first. Two stores' clocks may differ, so it
    /// can be negative.
    package var steps: [(event: JobEvent, since: Duration?)] {
        let events = report.lives.flatMap(\.self)
        return events.indices.map { at in (events[at], at == 0 ? nil : events[at].at - events[at - 1].at) }
    }

    /// `progress`, null or `job`, `fraction`, `text` and `at`; `id`, `type`, `queue`, `now`; `redis` and `postgres`,
    /// each null or the job as that half has it; `in_redis` and `in_postgres` as `inspect` has them; `outbox`;
    /// `history`; `log`; `next`; `unasked`; and where there are such jobs `replay_of`, the id of the one that it was
    /// replayed from, and `replayed_as`, ids.
    package var json: [String: Any] {
        func known(_ fields: [String: Any]?) -> Any {
            if let fields { return fields }
            return RawJSON(bytes: Array("null".utf8))
        }
        func half(_ job: JobSnapshot?) -> Any { known(job?.json(withBody: false)) }
        var fields: [String: Any] = [
            "id": job.record.id.description, "type": job.record.type.text,
            "queue": job.record.queue.text, "now": situation.now.description,
            "redis": half(report.held), "postgres": half(report.recorded),
            "in_redis": report.inQueue.word, "in_postgres": report.inLedger?.rawValue ?? "absent",
            "progress": known(situation.progress?.json),
            "outbox": situation.hasOutbox, "next": next.map(\.json),
            "history": steps.map { event, since in Self.json(event, since) },
            "log": lines.map { Self.json($0) },
            "unasked": unasked.map { ["what": $0.what, "why": $0.why] as [String: Any] },
        ]
        if let origin { fields["replay_of"] = origin.origin.description }
        if !copies.isEmpty { fields["replayed_as"] = copies.map(\.copy.description) }
        return fields
    }

    /// From which job it was enqueued anew.
    var origin: ReplayLink? { lineage.first { $0.copy == job.record.id } }
    /// As which jobs it was enqueued anew.
    var copies: [ReplayLink] { lineage.filter { $0.origin == job.record.id } }

    private static func json(_ line: AttemptLine) -> [String: Any] {
        [
            "epoch": Int(line.epoch), "version": line.version, "number": line.number,
            "at": line.at.description, "text": line.text,
        ]
    }

    private static func json(_ event: JobEvent, _ since: Duration?) -> [String: Any] {
        var fields = JobReport.json(event)
        fields["shard"] = Int(event.position.shard.number)
        fields["epoch"] = Int(event.position.epoch)
        fields["seq"] = Int(event.position.seq)
        if let attempts = event.attempts { fields["attempts"] = attempts }
        if let since { fields["since_previous_us"] = Int(since.microseconds) }
        return fields
    }
}

/// A job of which no half that could be asked has a record that can be read: what it does next cannot be told.
package struct UnreadableJob: Error, CustomStringConvertible {
    private let report: JobReport

    init(_ report: JobReport) { self.report = report }

    package var description: String {
        let standing = report.standing
        let known = "\(report.id) is \(standing.status.rawValue) in Redis, version \(standing.version)"
        if case .damaged = report.inQueue {
            return "\(known), and its record there is damaged: `tally reconcile` says what becomes of it"
        }
        return "\(known), and the ledger does not have that yet: `tally serve` brings it"
    }
}

extension Admin {
    /// nil where neither half knows it. A half that is away leaves the other to be told.
    ///
    /// - Throws: why a half could not be asked, where no other has the job; `UnreadableJob` where none has its
    ///   record.
    package func explain(_ id: JobID) async throws -> Explanation? {
        var unasked: [Explanation.Unasked] = []
        // The ledger follows, so the queue is read first.
        let answers = await queue.look(for: id)
        for (shard, answer) in answers {
            guard case .failure(let error) = answer else { continue }
            if error.code == .cancelled { throw error }
            unasked.append(.init(queue[shard].part.name("redis"), "\(error)"))
        }
        let record = await recordOf(id)
        if let error = record.failure {
            if error.code == .cancelled { throw error }
            unasked.append(.init("postgres", "\(error)"))
        }
        let hasLedger = halfWithRecord != nil && record.failure == nil
        guard
            let report = JobReport(
                id, answers, record.job, record.events, queue.map, hasLedger: hasLedger)
        else {
            // Whoever did not answer may have it.
            for (_, answer) in answers { _ = try answer.get() }
            if let error = record.failure { throw error }
            return nil
        }
        guard let job = report.job else { throw UnreadableJob(report) }
        var situation = JobSituation(
            job: job, inQueue: report.inQueue, inLedger: report.inLedger, hasLedger: hasLedger, now: .now)
        situation.hasOutbox = record.view?.hasOutbox ?? false
        situation.hasHeldChanges = record.view?.hasHeldChanges ?? false
        situation.isEffectCommitted = record.hasEffect
        if !job.status.isTerminal {
            if report.isWhole { await fill(&situation, &unasked) }
            // A ledger that did not answer is not asked again: if it hangs each question costs as much as the first.
            if record.failure == nil { await fillFromReports(&situation, &unasked) }
        }
        let lines = hasLedger ? await linesOf(id, &unasked) : []
        let lineage = hasLedger ? await lineageOf(id, &unasked) : []
        var explanation = Explanation(report, situation, lines: lines, unasked)
        explanation.lineage = lineage
        return explanation
    }

    /// What the ledger has of a job, as far as it could be read.
    private struct OwnRecord {
        var job: JobSnapshot?
        var events: [JobEvent] = []
        var view: LedgerView?
        var hasEffect = false
        var failure: LedgerError?
    }

    private func linesOf(_ id: JobID, _ unasked: inout [Explanation.Unasked]) async -> [AttemptLine] {
        do throws(LedgerError) {
            return try await halfWithRecord?.lines?.lines(id) ?? []
        } catch {
            let reason = error.code == .denied ? "not shown, for this login may not read it: " : ""
            unasked.append(.init("log", "\(reason)\(error)"))
            return []
        }
    }

    private func lineageOf(_ id: JobID, _ unasked: inout [Explanation.Unasked]) async -> [ReplayLink] {
        do {
            return try await halfWithRecord?.replaying?.lineage(of: id) ?? []
        } catch {
            unasked.append(.init("lineage", "\(error)"))
            return []
        }
    }

    private func recordOf(_ id: JobID) async -> OwnRecord {
        var record = OwnRecord()
        guard let ledger = halfWithRecord else { return record }
        do throws(LedgerError) {
            record.job = try await ledger.inspection.jobs([id])[id]
            record.events = try await ledger.inspection.events(id)
            record.view = try await ledger.reconciliation.views([id])[id]
            record.hasEffect = try await ledger.reconciliation.effects([id]).contains(id)
        } catch {
            record.failure = error
        }
        return record
    }

    /// What the queue says of its epoch and of the job's own queue.
    private func fill(_ situation: inout JobSituation, _ unasked: inout [Explanation.Unasked]) async {
        let record = situation.job.record
        let store = queue.shard(of: record.queue)
        do throws(QueueError) {
            let history = try await store.transitions.history()
            situation.now = history.now
            situation.opensIn = history.opensIn
            let counts = try await store.inspectable().counts().first { $0.queue == record.queue }
            situation.isPaused = counts?.isPaused ?? false
            let types = try await store.types?.pausedTypes() ?? []
            situation.isTypePaused = types.contains(record.type)
            situation.pending = counts?.pending ?? 0
            if case .held(.pending) = situation.inQueue {
                situation.ahead = try await ahead(of: situation.job, besides: types, in: store)
            }
        } catch {
            unasked.append(.init(store.part.name("redis"), "\(error)"))
        }
    }

    /// How many are handed out before it of its list, which is walked from its end: the ones that were pushed last
    /// come first.
    private func ahead(
        of job: JobSnapshot, besides paused: [JobType], in store: QueueStore
    ) async throws(QueueError) -> Int? {
        guard let structures = store.structures else { return nil }
        let (record, version) = (job.record, job.version)
        let others = Set(paused).subtracting([record.type])
        var (cursor, ahead): (String, Int?) = ("", nil)
        for _ in 0..<Limits.aheadReads {
            let page = try await structures.walk(
                .ready(record.queue, record.priority), cursor, limit: Limits.structureRead)
            var places = page.places
            let own = places.firstIndex { $0.place.id == record.id && $0.place.version == version }
            if ahead == nil, let own {
                places.removeSubrange(own...)
                ahead = 0
            }
            if let before = ahead {
                places.removeAll { $0.place.id == record.id }
                ahead = try await before + runnable(places, besides: others, in: store)
            }
            guard let next = page.next else { return ahead }
            cursor = next
        }
        return nil
    }

    /// How many of these are handed out: what has ended or moved on is dropped as it is popped, and what is of a
    /// paused type is parked.
    private func runnable(
        _ places: [PlaceFound], besides paused: Set<JobType>, in store: QueueStore
    ) async throws(QueueError) -> Int {
        let standing = places.filter(\.hasBody)
        // Without parked ones among them no record is worth a look.
        if paused.isEmpty { return standing.count }
        var count = 0
        for some in standing.pages(of: Limits.jobsPerCall) {
            let held = try await store.inspectable().inspect(some.map(\.place.id), bodies: .omitted).held
            for found in some {
                guard let job = held[found.place.id], job.version == found.place.version else { continue }
                if !paused.contains(job.record.type) { count += 1 }
            }
        }
        return count
    }

    /// What workers and duties have reported.
    private func fillFromReports(
        _ situation: inout JobSituation, _ unasked: inout [Explanation.Unasked]
    ) async {
        let record = situation.job.record
        let register = halfWithRecord?.duties ?? (queue.map.count == 1 ? queue.shards[0].duties : nil)
        do {
            if let duties = try await register?.duties() {
                situation.hasDuties = !duties.isEmpty
                situation.silent = duties.filter(\.isSilent).map(\.name)
            }
        } catch {
            unasked.append(.init("duties", "\(error)"))
        }
        if halfWithRecord == nil { return }
        do {
            let rows = try await workers().rows
            let serving = rows.filter { row, status in
                status == "running" && row.beat.queues.contains(record.queue)
                    && row.beat.types.contains(record.type)
            }
            situation.serving = JobSituation.Serving(
                workers: serving.count, slots: serving.reduce(0) { $0 + $1.worker.beat.concurrency },
                running: serving.reduce(0) { $0 + $1.worker.beat.busy })
            situation.progress = progress(of: situation.job, in: rows.map(\.worker))
            if let id = situation.job.workerID, let row = rows.first(where: { $0.worker.beat.id == id }) {
                situation.holder = JobSituation.Holder(
                    worker: id, isLost: row.status == "lost", lastSeen: row.worker.lastSeen)
            }
        } catch {
            unasked.append(.init("workers", "\(error)"))
        }
    }

    /// What was said in an earlier lease is of an attempt that is over.
    private func progress(of job: JobSnapshot, in workers: [WorkerRow]) -> JobProgress? {
        guard job.status == .processing else { return nil }
        return workers.compactMap(\.beat.vitals).flatMap(\.progress)
            .first { $0.job == job.record.id && $0.version == job.version }
    }
}
