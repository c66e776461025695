import TallyCore

extension MemoryQueueState {
    /// The job that this lease may change now, or why it may not. `ending`: the terminal status of which this would
    /// be a repeat.
    private enum Standing {
        case valid(QueuedJob)
        case repeated
        case refused(LeaseRefusal)
    }

    private func standing(_ lease: Lease, ending: JobStatus? = nil, at now: Timestamp) -> Standing {
        if let job = jobs[lease.id], let held = job.lease {
            if held.expiresAt <= now { return .refused(.expired) }
            let isHolder = held.version == lease.version && held.epoch == lease.epoch
            return isHolder ? .valid(job) : .refused(.mismatch)
        }
        if let ending, ended[lease.id] == QueueView.Ended(status: ending, version: lease.version) {
            return .repeated
        }
        return .refused(.notProcessing)
    }

    /// Cancelled if that was asked for; else waiting for `time`, or runnable at once.
    private mutating func putBack(
        _ job: QueuedJob, as status: JobStatus, until time: Timestamp?, _ move: inout Move, at now: Timestamp
    ) {
        if job.cancelRequested {
            move.to = .cancelled
        } else if let time = time.map({ min($0, Limits.latest) }), time > now {
            move.to = status
            move.runAt = time
            makeWait(job, as: status, until: time)
        } else {
            var job = job
            job.runAt = nil
            makeReady(job)
        }
    }

    // MARK: - The verbs

    mutating func extend(_ wanted: [Lease], by length: Duration, at now: Timestamp) -> [ExtendAnswer] {
        wanted.map { lease in
            switch standing(lease, at: now) {
            case .refused(let why): return .refused(why)
            case .repeated: return .refused(.notProcessing)
            case .valid(var job):
                unplace(job)
                let extended = Lease(
                    id: lease.id, version: lease.version, epoch: lease.epoch, expiresAt: now + length,
                    shard: part.shard)
                job.lease = extended
                jobs[lease.id] = job
                leases.insert(job.element, at: extended.expiresAt)
                return .extended(extended, cancelRequested: job.cancelRequested)
            }
        }
    }

    /// Kind after kind, with one entry for each: its twin has a function a kind.
    mutating func settle(_ settlements: [Settlement], at now: Timestamp) -> [SettleAnswer] {
        var answers = settlements.map { _ in SettleAnswer.repeated }
        for kind in [Verb.ack, .retry, .fail, .release] {
            var moves: [Move] = []
            for (index, settlement) in settlements.enumerated() where settlement.verb == kind {
                answers[index] = settle(settlement, &moves, at: now)
            }
            append(kind, moves, at: now)
        }
        return answers
    }

    private mutating func settle(
        _ settlement: Settlement, _ moves: inout [Move], at now: Timestamp
    ) -> SettleAnswer {
        let ending: JobStatus? =
            switch settlement {
            case .ack: .completed
            case .fail: .failed
            case .retry, .release: nil
            }
        let lease = settlement.lease
        switch standing(lease, ending: ending, at: now) {
        case .refused(let why): return .refused(why)
        case .repeated: return .repeated
        case .valid(var job):
            unplace(job)
            job.lease = nil
            jobs[lease.id] = job
            var move = Move(id: lease.id, version: lease.version, from: .processing, to: .pending)
            end(job, as: settlement, &move, at: now)
            if move.to.isTerminal { leave(lease.id, move.to, version: lease.version) }
            moves.append(move)
            return .settled(move.to)
        }
    }

    /// Where the job goes whose lease has ended.
    private mutating func end(
        _ job: QueuedJob, as settlement: Settlement, _ move: inout Move, at now: Timestamp
    ) {
        switch settlement {
        case .ack(_, let result):
            move.to = .completed
            if !result.isEmpty { move.result = result }
        case .retry(_, let runAt, let attempts, let error, let failedAt):
            var job = job
            job.attempts = Int(Limits.reach(attempts))
            job.error = ErrorText.clean(error)
            job.failedAt = failedAt ?? now
            move.attempts = job.attempts
            move.error = job.error
            putBack(job, as: .retrying, until: runAt, &move, at: now)
        case .fail(_, let attempts, let error):
            let error = ErrorText.clean(error)
            move.attempts = Int(Limits.reach(attempts))
            move.error = error.isEmpty ? "failed" : error
            move.to = job.cancelRequested ? .cancelled : .failed
        case .release(_, let runAt): putBack(job, as: .scheduled, until: runAt, &move, at: now)
        }
    }
}
