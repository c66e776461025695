import TallyCore
import TallyDuties

/// A failed job that is to run again.
package struct RequeueWish: Sendable {
    /// The job.
    package var id: JobID
    /// A guard: another queue's job is refused.
    package var queue: String?
    /// Not before this time; nil = at once.
    package var runAt: Timestamp?
    /// Failures are counted from zero again; else the job may fail only as often as it still may.
    package var resetsAttempts = false
    /// Also where the job's effect is committed: that is forgotten.
    package var despiteEffect = false
    /// Who is named in its history.
    package var actor: String

    /// A wish to run the job again at once, its failures kept.
    package init(_ id: JobID, actor: String) {
        self.id = id
        self.actor = actor
    }
}

/// What became of it. A repeat after a lost answer is refused as not failed, so a job is never requeued twice.
package enum RequeueOutcome: Sendable {
    /// The ledger has it waiting at this version, and it is on its way to the queue.
    case requeued(version: Int)
    /// Nothing changed.
    case refused(RequeueRefusal)
}

/// Why a job was not requeued.
package enum RequeueRefusal: Hashable, Sendable {
    /// Neither half has such a job.
    case unknown
    /// It has failed in the queue, and the ledger, in which a requeue begins, does not have that yet.
    case notMirrored
    /// It belongs to the first queue and not to the one that was named.
    case inQueue(QueueName, not: String)
    /// Only failed jobs are requeued, and this one stands otherwise.
    case notFailed(JobStatus)
    /// Its handler has committed its effect, and the wish does not say that it shall run all the same.
    case effectCommitted
    /// Its id is a job on several shards, and the row tells of neither: it may be the other one that has failed.
    case onSeveralShards
    /// Somebody else requeued it since it was looked at.
    case movedOn

    /// The refusal as a sentence.
    package func text(_ id: JobID) -> String {
        switch self {
        case .unknown: "no job \(id)"
        case .notMirrored:
            "job \(id) has failed in Redis, and the ledger does not have that yet: does `tally serve` run?"
        case .inQueue(let queue, let other): "job \(id) is in queue \(queue), not \(other)"
        case .notFailed(let status): "job \(id) is \(status.rawValue), not failed"
        case .effectCommitted:
            "job \(id) has its effect committed: the work is done, and running it again may do it twice"
        case .onSeveralShards:
            "job \(id) is one on several shards, and its row tells of neither (ops/runbooks/D38.md): enqueue what "
                + "shall run anew under an id of its own"
        case .movedOn: "job \(id) has moved on; look again"
        }
    }
}

extension Admin {
    /// Requeues one failed job, in the ledger first. A crash after that leaves it to the relay.
    ///
    /// - Parameter isPushed: false leaves it to the relay, or to a later pass of the caller's.
    /// - Throws: what the ledger throws; after `.uncertain`, look at the job: it may be requeued. What a shard throws
    ///   where neither the ledger nor another shard has the job.
    package func requeue(_ wish: RequeueWish, isPushed: Bool = true) async throws -> RequeueOutcome {
        let ledger = try ledger()
        guard let job = try await ledger.inspection.jobs([wish.id])[wish.id] else {
            return .refused(try await refusal(wish.id, nil))
        }
        if let queue = wish.queue, queue != job.record.queue.text {
            return .refused(.inQueue(job.record.queue, not: queue))
        }
        if job.status != .failed { return .refused(try await refusal(wish.id, job)) }
        if queue.map.count > 1, let repair = ledger.repair {
            let own = queue.map.shard(of: job.record.queue)
            let twice = try await repair.told(of: [wish.id], elsewhereThan: own)
            if !twice.isEmpty { return .refused(.onSeveralShards) }
        }
        let answer = try await ledger.control.requeue(
            wish.id, seen: job.version, runAt: wish.runAt, resetAttempts: wish.resetsAttempts,
            actor: wish.actor, despiteEffect: wish.despiteEffect)
        if answer == .effectCommitted { return .refused(.effectCommitted) }
        guard case .requeued(let version) = answer else { return .refused(.movedOn) }
        if !isPushed { return .requeued(version: version) }
        // The relay takes it from here; this pass spares the second that it would wait.
        _ = try? await Relay(queue: queue.shard(of: job.record.queue), ledger: ledger).step(olderThan: .zero)
        return .requeued(version: version)
    }

    /// Why a job is not requeued that has no row, or one that is not failed. The queue may know more of it; where it
    /// cannot be asked the row stands.
    ///
    /// - Throws: what one shard throws where there is no row, and no other shard has the job.
    private func refusal(_ id: JobID, _ row: JobSnapshot?) async throws(QueueError) -> RequeueRefusal {
        let answers = await queue.look(for: id)
        if let report = JobReport(id, answers, row, [], queue.map, hasLedger: true) {
            return RequeueRefusal(report)
        }
        // Whoever did not answer may have it.
        for (_, answer) in answers { _ = try answer.get() }
        return .unknown
    }
}

extension RequeueRefusal {
    /// Why a job is not requeued of which the ledger does not say that it has failed.
    ///
    /// - Parameter report: of what the shard of the row's queue has, not of what another has of the same id.
    init(_ report: JobReport) {
        switch report.inQueue {
        case .ended(.failed): self = .notMirrored
        case .ended(let status): self = .notFailed(status)
        case .absent, .held, .damaged, .unknown:
            self = .notFailed(report.inLedger ?? report.standing.status)
        }
    }
}
