import TallyCore

/// One job: both halves, and every transition.
package struct JobReport: Sendable {
    /// How the live half has the job of the ledger's row, or any where the ledger has none.
    package enum InQueue: Sendable {
        /// It does not hold it.
        case absent
        /// It holds it so.
        case held(JobStatus)
        /// The shard of its queue did not answer.
        case unknown

        /// The status, `absent` or `unknown`.
        package var word: String {
            switch self {
            case .absent: "absent"
            case .held(let status): status.rawValue
            case .unknown: "unknown"
            }
        }
    }

    /// As the live half has it while it is active there, else as the ledger does.
    package let job: JobSnapshot
    /// As the live half has it; nil where that holds it not, or was not asked.
    package let held: JobSnapshot?
    /// As the ledger has it.
    package let recorded: JobSnapshot?
    /// What the live half says of it.
    package let inQueue: InQueue
    /// nil = the ledger does not have it.
    package let inLedger: JobStatus?
    /// Every transition that the ledger has, the oldest first; empty without a ledger.
    package let events: [JobEvent]
    /// Of several shards, those that hold a job of this id. More than one where it was enqueued in mode queued into
    /// queues of several.
    package let places: [(shard: Shard, job: JobSnapshot)]
    /// Of several shards, those that did not answer.
    package let unread: [(shard: Shard, why: QueueError)]
    private let isSharded: Bool

    init?(
        _ answers: [(shard: Shard, answer: Result<JobSnapshot?, QueueError>)], _ recorded: JobSnapshot?,
        _ events: [JobEvent], _ map: ShardMap
    ) {
        var (places, unread): ([(Shard, JobSnapshot)], [(Shard, QueueError)]) = ([], [])
        for (shard, answer) in answers {
            switch answer {
            case .success(let job?): places.append((shard, job))
            case .success(nil): break
            case .failure(let error): unread.append((shard, error))
            }
        }
        let own = recorded.map { map.shard(of: $0.record.queue) } ?? places.first?.0
        let held = places.first { $0.0 == own }?.1
        guard var job = held ?? recorded else { return nil }
        if held != nil, let recorded {
            job.workerID = recorded.workerID
            job.startedAt = recorded.startedAt
        }
        self.job = job
        self.held = held
        self.recorded = recorded
        if let held {
            inQueue = .held(held.status)
        } else {
            inQueue = unread.contains { $0.0 == own } ? .unknown : .absent
        }
        inLedger = recorded?.status
        self.events = events
        isSharded = map.count > 1
        self.places = map.count > 1 ? places.map { ($0.0, $0.1) } : []
        self.unread = unread.map { ($0.0, $0.1) }
    }

    /// Whether the half that was asked for could be read.
    package var isWhole: Bool { if case .unknown = inQueue { false } else { true } }

    /// The job with its body, then `in_redis` and `in_postgres` (`absent` where it is not), and `history`; of several
    /// shards also `shards`, each that holds a job of this id, and `unread_shards`.
    package var json: [String: Any] {
        var fields = job.json(withBody: true)
        fields["in_redis"] = inQueue.word
        fields["in_postgres"] = inLedger?.rawValue ?? "absent"
        fields["history"] = events.map(Self.json)
        if isSharded {
            fields["shards"] = places.map { shard, job in
                [
                    "shard": Int(shard.number), "queue": job.record.queue.text, "status": job.status.rawValue,
                    "version": job.version,
                ] as [String: Any]
            }
            fields["unread_shards"] = unread.map { Int($0.shard.number) }
        }
        return fields
    }

    static func json(_ event: JobEvent) -> [String: Any] {
        [
            "at": event.at.description, "event": event.verb.rawValue, "from": event.from?.rawValue ?? "",
            "to": event.to.rawValue, "version": event.version, "actor": event.actor ?? "",
            "error": event.error ?? "",
        ]
    }
}

extension Admin {
    /// nil where neither half knows it.
    ///
    /// - Throws: what the only shard throws; of several, what one throws where no half has the job.
    package func inspect(_ id: JobID) async throws -> JobReport? {
        // The ledger follows, so the queue is read first.
        let answers = await queue.look(for: id)
        if queue.shards.count == 1, case .failure(let error)? = answers.first?.answer { throw error }
        let recorded = try await halfWithRecord?.inspection.jobs([id])[id]
        let events = try await halfWithRecord?.inspection.events(id) ?? []
        if let report = JobReport(answers, recorded, events, queue.map) { return report }
        // Whoever did not answer may have it.
        for (_, answer) in answers { _ = try answer.get() }
        return nil
    }
}
