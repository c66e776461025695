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

    /// Ends a lease that holds: the job leaves the lease set and goes where `settle` says.
    private mutating func settle(
        _ lease: Lease, ending: JobStatus? = nil, _ moves: inout [Move], at now: Timestamp,
        _ settle: (inout MemoryQueueState, QueuedJob, inout Move) -> Void
    ) -> SettleAnswer {
        switch standing(lease, ending: ending, at: now) {
        case .refused(let why): return .refused(why)
        case .repeated: return .repeated
        case .valid(var job):
            unplace(job)
            job.lease = nil
            jobs[lease.id] = job
            var move = Move(id: lease.id, version: lease.version, from: .processing, to: .pending)
            settle(&self, job, &move)
            if move.to.isTerminal { bury(lease.id, move.to, version: lease.version) }
            moves.append(move)
            return .settled(move.to)
        }
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
                    id: lease.id, version: lease.version, epoch: lease.epoch, expiresAt: now + length)
                job.lease = extended
                jobs[lease.id] = job
                leases.insert(job.element, at: extended.expiresAt)
                return .extended(extended, cancelRequested: job.cancelRequested)
            }
        }
    }

    static func check(_ acks: [Ack]) throws(QueueError) {
        let bytes = acks.reduce(0) { $0 + $1.result.count }
        if acks.count > 1, bytes > Limits.bodyBytesPerCall {
            throw QueueError(.invalid, "ack", Ack.tooLarge(bytes))
        }
    }

    mutating func ack(_ acks: [Ack], at now: Timestamp) -> [SettleAnswer] {
        var moves: [Move] = []
        let answers = acks.map { ack in
            settle(ack.lease, ending: .completed, &moves, at: now) { _, _, move in
                move.to = .completed
                if !ack.result.isEmpty { move.result = ack.result }
            }
        }
        append(.ack, moves, at: now)
        return answers
    }

    mutating func retry(_ retries: [Retry], at now: Timestamp) -> [SettleAnswer] {
        var moves: [Move] = []
        let answers = retries.map { retry in
            settle(retry.lease, &moves, at: now) { state, job, move in
                let error = ErrorText.clean(retry.error)
                move.attempts = Int(Limits.reach(retry.attempts))
                move.error = error
                var job = job
                job.attempts = Int(Limits.reach(retry.attempts))
                job.error = error
                job.failedAt = retry.failedAt ?? now
                state.putBack(job, as: .retrying, until: retry.runAt, &move, at: now)
            }
        }
        append(.retry, moves, at: now)
        return answers
    }

    mutating func fail(_ failures: [Failure], at now: Timestamp) -> [SettleAnswer] {
        var moves: [Move] = []
        let answers = failures.map { failure in
            settle(failure.lease, ending: .failed, &moves, at: now) { _, job, move in
                let error = ErrorText.clean(failure.error)
                move.attempts = Int(Limits.reach(failure.attempts))
                move.error = error.isEmpty ? "failed" : error
                move.to = job.cancelRequested ? .cancelled : .failed
            }
        }
        append(.fail, moves, at: now)
        return answers
    }

    mutating func release(_ releases: [Release], at now: Timestamp) -> [SettleAnswer] {
        var moves: [Move] = []
        let answers = releases.map { release in
            settle(release.lease, &moves, at: now) { state, job, move in
                state.putBack(job, as: .scheduled, until: release.runAt, &move, at: now)
            }
        }
        append(.release, moves, at: now)
        return answers
    }
}
