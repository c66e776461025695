import TallyCore

/// What happens next to a job, when, and what keeps it from happening: sentences out of values.
package struct JobProspect: Hashable, Sendable {
    /// What one sentence is about; the raw value is its `code` in JSON, and stays.
    package enum Code: String, Sendable, CaseIterable {
        /// It has ended, and nothing follows.
        case ended
        /// It has failed for good: an operator may requeue it.
        case failed
        /// It waits for its time.
        case runsAt = "runs_at"
        /// Its time has come, and nobody has promoted it yet.
        case due
        /// It is runnable, and others are before it.
        case waits
        /// A worker has it until then.
        case leased
        /// Its lease has run out, and it has not been reclaimed yet.
        case leaseOver = "lease_over"
        /// It was told to stop.
        case cancelling
        /// Its queue is paused.
        case paused
        /// Its type is.
        case typePaused = "type_paused"
        /// Its queue leases nothing until the epoch is opened.
        case heldEpoch = "held_epoch"
        /// No worker that serves it is known.
        case noWorker = "no_worker"
        /// Who serves it.
        case served
        /// Its worker fell silent.
        case holderLost = "holder_lost"
        /// The relay is to push it.
        case outbox
        /// The mirror is to bring its row up to date.
        case mirror
        /// Its row is held by a transaction.
        case heldChanges = "held_changes"
        /// Neither Redis nor the outbox has it, and its row says that it is active.
        case notInRedis = "not_in_redis"
        /// The ledger calls it ended, and Redis holds it.
        case differs
        /// Its record in Redis cannot be read.
        case damaged
        /// Redis could not be asked.
        case redisAway = "redis_away"
        /// Its effect is committed: it never needs to run again.
        case effectCommitted = "effect_committed"
        /// The end of its use has come.
        case overdue
        /// A duty that it waits for has not succeeded for its limit, or nobody runs it.
        case dutySilent = "duty_silent"
    }

    /// What it is about.
    package let code: Code
    /// When that happens, where there is a time.
    package let at: Timestamp?
    /// The sentence.
    package let text: String

    /// A sentence.
    package init(_ code: Code, at: Timestamp? = nil, _ text: String) {
        self.code = code
        self.at = at
        self.text = text
    }

    /// `code`, `text`, and `at` where there is a time.
    package var json: [String: Any] {
        var fields: [String: Any] = ["code": code.rawValue, "text": text]
        if let at { fields["at"] = at.description }
        return fields
    }

    /// What happens next comes first, then what it waits for or what keeps it up.
    package static func next(of situation: JobSituation) -> [JobProspect] {
        var all: [JobProspect] = []
        switch situation.inQueue {
        case .unknown:
            all.append(
                JobProspect(
                    .redisAway, "The Redis of its queue does not answer: this is what the ledger knew last."))
            all += situation.job.status.isTerminal ? ended(situation) : []
            all += situation.hasOutbox ? outbox(situation) : []
        case .held(let status): all = held(situation, status)
        case .absent: all = situation.job.status.isTerminal ? ended(situation) : absent(situation)
        case .ended:
            all = ended(situation)
            all.append(
                JobProspect(.mirror, "Its row does not say so yet: `tally serve` brings it up to date."))
        case .damaged:
            all.append(
                JobProspect(
                    .damaged,
                    "Its record in Redis is damaged: `tally reconcile` says what becomes of it."))
        }
        if situation.isEffectCommitted, situation.job.status != .completed {
            all.append(
                JobProspect(
                    .effectCommitted,
                    "Its handler has committed its effect: it ends as completed, or needs "
                        + "`--force` to be requeued."))
        }
        if let end = situation.job.record.notAfter, !situation.job.status.isTerminal, end <= situation.now {
            all.append(overdue(situation, since: end))
        }
        return all
    }

    /// A lease raises the version above 1, or a requeue; but so does a change, which is no beginning.
    private static func overdue(_ situation: JobSituation, since end: Timestamp) -> JobProspect {
        let begins = situation.job.version == 1 && situation.job.status != .processing
        return JobProspect(
            .overdue, at: end,
            "It had to begin before \(end.told(at: situation.now))"
                + (begins
                    ? ": it never does, and ends as cancelled where a worker would have taken it."
                    : "; it goes on where it began in time or was requeued, and else ends as cancelled."))
    }

    // MARK: Where it has ended, or is on its way

    private static func ended(_ situation: JobSituation) -> [JobProspect] {
        let id = situation.job.record.id
        var all: [JobProspect] = []
        switch situation.job.status {
        case .failed:
            all.append(
                JobProspect(
                    .failed,
                    "It has failed for good and runs again only when somebody requeues it: "
                        + "`tally dlq requeue \(id)`."))
        default:
            all.append(JobProspect(.ended, "It is \(situation.job.status.rawValue); nothing follows."))
        }
        if situation.hasHeldChanges { all.append(heldChanges) }
        return all
    }

    private static let heldChanges = JobProspect(
        .heldChanges,
        "Somebody's transaction holds its row; what became of it is kept, and comes to the row once "
            + "that ends.")

    private static func outbox(_ situation: JobSituation) -> [JobProspect] {
        var all = [
            JobProspect(
                .outbox,
                "Its outbox row is pushed by its client, or after \(Limits.relayAge.short) by the relay of "
                    + "`tally serve`.")
        ]
        if let duty = silence(of: "relay", situation) { all.append(duty) }
        return all
    }

    /// The ledger has it as active, and the queue neither holds it nor could not be asked.
    private static func absent(_ situation: JobSituation) -> [JobProspect] {
        if situation.hasOutbox { return outbox(situation) }
        if situation.hasHeldChanges { return [heldChanges] }
        var all = [
            JobProspect(
                .notInRedis,
                "Redis does not hold it: it has ended there and the mirror brings the end, or it was "
                    + "lost there. If this stays so, `tally reconcile` names it.")
        ]
        if let duty = silence(of: "mirror", situation) { all.append(duty) }
        return all
    }

    private static func silence(of duty: String, _ situation: JobSituation) -> JobProspect? {
        if !situation.hasDuties {
            return JobProspect(.dutySilent, "No duty has reported yet: `tally serve` runs them. Start it.")
        }
        guard situation.isSilent(duty) else { return nil }
        return JobProspect(
            .dutySilent,
            "The \(duty) has not succeeded for its limit: does `tally serve` run? `tally stats` says "
                + "why it failed.")
    }

    // MARK: Where the queue holds it

    private static func held(_ situation: JobSituation, _ status: JobStatus) -> [JobProspect] {
        var all: [JobProspect] = []
        switch status {
        case .scheduled, .retrying: all += waiting(situation, status) + hindrances(situation)
        case .pending: all += pending(situation) + hindrances(situation)
        case .processing: all += processing(situation)
        case .completed, .failed, .cancelled: all += ended(situation)
        }
        if let ledger = situation.inLedger, ledger.isTerminal, !status.isTerminal {
            all.append(
                JobProspect(
                    .differs,
                    "The ledger has it as \(ledger.rawValue), and Redis holds it as \(status.rawValue): "
                        + "`tally reconcile` says whether that is drift."))
        } else if situation.hasLedger, situation.inLedger == nil {
            all.append(
                JobProspect(.mirror, "The ledger has no row of it yet: the mirror brings it out of the log."))
            if let duty = silence(of: "mirror", situation) { all.append(duty) }
        } else if situation.hasHeldChanges {
            all.append(heldChanges)
        }
        return all
    }

    private static func waiting(_ situation: JobSituation, _ status: JobStatus) -> [JobProspect] {
        let subject = status == .retrying ? "Attempt \(attempt(situation))" : "It"
        guard let at = situation.job.runAt ?? situation.job.record.runAt, at > situation.now else {
            return [JobProspect(.due, "\(subject) is due: the next reserve, or the sweep, promotes it.")]
        }
        return [
            JobProspect(
                .runsAt, at: at,
                "\(subject) runs at \(at.told(at: situation.now)), once a worker of its queue is free.")
        ]
    }

    /// The number of the attempt that comes, and of how many where the job says so.
    private static func attempt(_ situation: JobSituation) -> String {
        let most = situation.job.record.maxAttempts
        return "\(situation.job.attempts + 1)" + (most > 0 ? " of \(most)" : "")
    }

    private static func pending(_ situation: JobSituation) -> [JobProspect] {
        let queue = Printable.text(situation.job.record.queue.text)
        let priority = situation.job.record.priority.name
        let place: String
        switch (situation.ahead, situation.pending) {
        case (0?, _): place = "It is the next of its priority (\(priority)) in queue \(queue)."
        case (let ahead?, _):
            let jobs = ahead == 1 ? "1 job" : "\(ahead) jobs"
            place = "It waits behind \(jobs) of its priority (\(priority)) in queue \(queue)."
        case (nil, let pending?) where pending > 1:
            place = "It waits in queue \(queue), where \(pending) jobs are runnable, itself among them."
        default: place = "It is runnable now in queue \(queue)."
        }
        return [JobProspect(.waits, place)]
    }

    /// What keeps a job from being handed out, or says who will take it.
    private static func hindrances(_ situation: JobSituation) -> [JobProspect] {
        let queue = Printable.text(situation.job.record.queue.text)
        var all: [JobProspect] = []
        if situation.isPaused {
            all.append(
                JobProspect(.paused, "Queue \(queue) is paused: it goes on after `tally resume \(queue)`."))
        }
        if situation.isTypePaused {
            let type = Printable.text(situation.job.record.type.text)
            all.append(
                JobProspect(
                    .typePaused,
                    "Type \(type) is paused: it goes on after `tally resume --type \(type)`."))
        }
        if let time = situation.opensIn {
            all.append(
                JobProspect(
                    .heldEpoch, at: situation.now + time,
                    "The epoch of its Redis is held: nothing is leased until `tally "
                        + "serve` has compared the halves, at the latest in \(time.short)."))
        }
        guard let serving = situation.serving else { return all }
        let type = Printable.text(situation.job.record.type.text)
        if serving.workers == 0 {
            all.append(
                JobProspect(
                    .noWorker, "No worker that lives serves queue \(queue) and type \(type): start one."))
        } else {
            let free = max(0, serving.slots - serving.running)
            let who = serving.workers == 1 ? "1 worker serves" : "\(serving.workers) workers serve"
            all.append(
                JobProspect(
                    .served, "\(who) its queue and type; \(free) of \(serving.slots) slots are free."))
        }
        return all
    }

    private static func processing(_ situation: JobSituation) -> [JobProspect] {
        var all: [JobProspect] = []
        let worker = situation.job.workerID ?? situation.holder?.worker
        let who = worker.map { "Worker \(Printable.text($0.text))" } ?? "A worker"
        let crash = situation.job.crashes + 1
        let most = situation.job.record.maxCrashes > 0 ? situation.job.record.maxCrashes : Limits.maxCrashes
        let after = crash >= most ? "it fails" : "it waits for a worker again"
        let reclaimed =
            situation.job.cancelRequested ? "it is cancelled" : "crash \(crash) of \(most), and \(after)"
        if let lease = situation.job.lease, lease.expiresAt > situation.now {
            all.append(
                JobProspect(
                    .leased, at: lease.expiresAt,
                    "\(who) has it. Its lease ends at \(lease.expiresAt.told(at: situation.now)) unless a heartbeat "
                        + "extends it; then it is reclaimed: \(reclaimed)."))
        } else {
            let ended = situation.job.lease.map { " at \($0.expiresAt.told(at: situation.now))" } ?? ""
            all.append(
                JobProspect(
                    .leaseOver, at: situation.job.lease?.expiresAt,
                    "\(who) had it, and its lease ended\(ended). The next reserve, or the sweep, reclaims it: "
                        + "\(reclaimed)."))
        }
        if situation.job.cancelRequested {
            all.append(
                JobProspect(
                    .cancelling,
                    "It was told to stop: its worker hears of it at the next heartbeat. An ack still "
                        + "wins; every other end is a cancellation."))
        }
        if let holder = situation.holder, holder.isLost {
            all.append(
                JobProspect(
                    .holderLost, at: holder.lastSeen,
                    "That worker was last heard of at \(holder.lastSeen.told(at: situation.now)), and counts as lost."
                ))
        }
        return all
    }
}
