import TallyCore

/// One job: both halves, and every transition.
package struct JobReport: Sendable {
    /// How the live half has the job of the ledger's row, or any where the ledger has none.
    package enum InQueue: Sendable {
        /// It does not hold it.
        case absent
        /// It holds it so.
        case held(JobStatus)
        /// It holds it so, and the bytes of its record are not what was enqueued.
        case damaged(JobStatus)
        /// It has ended there, and the ledger does not say so.
        case ended(JobStatus)
        /// The shard of its queue could not be read.
        case unknown

        /// The status, `absent`, `damaged` or `unknown`.
        package var word: String {
            switch self {
            case .absent: "absent"
            case .held(let status), .ended(let status): status.rawValue
            case .damaged: "damaged"
            case .unknown: "unknown"
            }
        }
    }

    /// What one shard has of the id.
    package struct Place: Sendable {
        /// Which one.
        package let shard: Shard
        /// How it has it: held, damaged or ended.
        package let inQueue: InQueue
        /// The status there, and its version.
        package let standing: QueueView.Ended
        /// The job where it is held and can be read.
        package let job: JobSnapshot?

        /// nil = it has nothing that the ledger does not say as well.
        fileprivate init?(_ shard: Shard, _ view: QueueView, _ id: JobID, _ recorded: JobSnapshot?) {
            self.shard = shard
            let held = view.held[id]
            job = held
            if let held {
                inQueue = .held(held.status)
                standing = QueueView.Ended(status: held.status, version: held.version)
            } else if let damaged = view.damaged[id] {
                inQueue = .damaged(damaged.status)
                standing = damaged
            } else if let end = view.ended[id], end.isNews(to: recorded) {
                inQueue = .ended(end.status)
                standing = end
            } else {
                return nil
            }
        }

        /// Whether its record there cannot be read.
        package var isDamaged: Bool { if case .damaged = inQueue { true } else { false } }

        /// `queue` where the record can be read, `damaged` where it cannot.
        fileprivate var json: [String: Any] {
            var fields: [String: Any] = [
                "shard": Int(shard.number), "status": standing.status.rawValue, "version": standing.version,
                "damaged": isDamaged,
            ]
            if let job { fields["queue"] = job.record.queue.text }
            return fields
        }
    }

    /// Which one.
    package let id: JobID
    /// As the live half has it while it is active there, else as the ledger does; but for status and version, which
    /// are those of `standing`. nil where no half that could be asked has a record of it that can be read.
    package let job: JobSnapshot?
    /// As the live half has it; nil where that holds it not, or was not asked.
    package let held: JobSnapshot?
    /// As the ledger has it.
    package let recorded: JobSnapshot?
    /// Its status and its version: as the live half has them where it holds the job, whatever the row says, or
    /// remembers an end that is later than the row; else as the ledger does.
    package let standing: QueueView.Ended
    /// What the live half says of it.
    package let inQueue: InQueue
    /// nil = the ledger does not have it.
    package let inLedger: JobStatus?
    /// Whether there is a ledger that could have it.
    package let hasLedger: Bool
    /// Every transition that the ledger has, by the lives that the id had, each with the oldest first; empty without
    /// a ledger.
    package let lives: [[JobEvent]]
    /// Of several shards, those that have a job of this id: hold it, or know of an end that the ledger does not say.
    /// More than one where it was enqueued in mode queued into queues of several.
    package let places: [Place]
    /// The shards that could not be read, or the only one.
    package let unread: [(shard: Shard, why: QueueError)]
    /// Whether there are several.
    package let isSharded: Bool
    /// Which lives of the id it speaks of.
    let told: Told
    /// That of the row's queue, or without a row the first that has the job.
    private let own: Shard

    /// nil = neither half that answered knows it.
    ///
    /// - Parameter answers: of every shard, in their order.
    /// - Parameter recorded: the ledger's row.
    /// - Parameter events: every transition that the ledger has, in any order.
    init?(
        _ id: JobID, _ answers: [(shard: Shard, answer: Result<QueueView, QueueError>)],
        _ recorded: JobSnapshot?, _ events: [JobEvent], _ map: ShardMap, hasLedger: Bool
    ) {
        var places: [Place] = []
        var unread: [(shard: Shard, why: QueueError)] = []
        for (shard, answer) in answers {
            switch answer {
            case .success(let view): if let place = Place(shard, view, id, recorded) { places.append(place) }
            case .failure(let error): unread.append((shard, error))
            }
        }
        let first = places.first { $0.job != nil } ?? places.first
        guard let own = recorded.map({ map.shard(of: $0.record.queue) }) ?? first?.shard else { return nil }
        let place = places.first { $0.shard == own }
        let row = recorded.map { QueueView.Ended(status: $0.status, version: $0.version) }
        guard let standing = place?.standing ?? row else { return nil }
        var job = place?.job ?? recorded
        job?.status = standing.status
        job?.version = standing.version
        if place?.job != nil, let recorded {
            job?.workerID = recorded.workerID
            job?.startedAt = recorded.startedAt
        }
        self.id = id
        self.job = job
        held = place?.job
        self.recorded = recorded
        self.standing = standing
        let isUnread = unread.contains { $0.shard == own }
        inQueue = place?.inQueue ?? (isUnread ? InQueue.unknown : InQueue.absent)
        inLedger = recorded?.status
        self.hasLedger = hasLedger
        lives = JobHistory(events).lives
        told = Told(lives, place, recorded, own: own, isSharded: map.count > 1)
        isSharded = map.count > 1
        self.own = own
        self.places = map.count > 1 ? places : []
        self.unread = unread
    }

    /// Whether the half that was asked for could be read, and what it has of the job too, on every shard.
    package var isWhole: Bool {
        switch inQueue {
        case .unknown, .damaged: false
        case .absent, .held, .ended: !places.contains(where: \.isDamaged)
        }
    }

    /// Which of several shards a life is one of; nil where there is one shard. A requeue, which the ledger makes
    /// first, stands on shard 0 whichever its job is on: so a step of a log says it, and without one the row.
    package func shard(of life: [JobEvent]) -> Shard? {
        if !isSharded { return nil }
        return life.first { !$0.isLedgerFirst }?.position.shard ?? own
    }

    /// The job with its body; `id`, `status` and `version` where no record of it can be read.
    package var known: [String: Any] {
        if let job { return job.json(withBody: true) }
        return ["id": id.description, "status": standing.status.rawValue, "version": standing.version]
    }

    /// `known`, then `in_redis` (`absent` where it is not, `damaged` where its record cannot be read, a terminal
    /// status where it has ended and the ledger does not say so), `in_postgres` (`absent` where it is not) and
    /// `history`; where the id was used again also `life` and `status_life`; of several shards also `shards`, each
    /// that has a job of this id, and whether damaged, and `unread_shards`.
    package var json: [String: Any] {
        var fields: [String: Any] = known
        fields.merge(lifeFields) { known, _ in known }
        fields["in_redis"] = inQueue.word
        fields["in_postgres"] = inLedger?.rawValue ?? "absent"
        var history: [[String: Any]] = []
        for (index, life) in lives.enumerated() {
            let shard = shard(of: life)
            history += life.map { Self.step($0, ofLife: index + 1, on: shard) }
        }
        fields["history"] = history
        if isSharded {
            fields["shards"] = places.map(\.json)
            fields["unread_shards"] = unread.map { Int($0.shard.number) }
        }
        return fields
    }

    /// A step as every command prints it.
    static func json(_ event: JobEvent) -> [String: Any] {
        [
            "at": event.at.description, "event": event.verb.rawValue, "from": event.from?.rawValue ?? "",
            "to": event.to.rawValue, "version": event.version, "actor": event.actor ?? "",
            "error": event.error ?? "",
        ]
    }

    /// - Parameter life: which life of the id the step is of, from 1; of several shards each has its own.
    private static func step(_ event: JobEvent, ofLife life: Int, on shard: Shard?) -> [String: Any] {
        var fields = json(event)
        fields["life"] = life
        if let shard { fields["shard"] = Int(shard.number) }
        return fields
    }
}

extension QueueView.Ended {
    /// Whether an end that the queue remembers is later than what the ledger's row says; nil = there is no row.
    func isNews(to row: JobSnapshot?) -> Bool {
        guard let row else { return true }
        return version > row.version || version == row.version && !row.status.isTerminal
    }
}

extension Admin {
    /// nil where neither half knows it.
    ///
    /// - Throws: what a shard throws where no half has the job.
    package func inspect(_ id: JobID) async throws -> JobReport? {
        // The ledger follows, so the queue is read first.
        let answers = await queue.look(for: id)
        for (_, answer) in answers {
            if case .failure(let error) = answer, error.code == .cancelled { throw error }
        }
        let recorded = try await halfWithRecord?.inspection.jobs([id])[id]
        let events = try await halfWithRecord?.inspection.events(id) ?? []
        let report = JobReport(
            id, answers, recorded, events, queue.map, hasLedger: halfWithRecord != nil)
        if let report { return report }
        // Whoever did not answer may have it.
        for (_, answer) in answers { _ = try answer.get() }
        return nil
    }
}
