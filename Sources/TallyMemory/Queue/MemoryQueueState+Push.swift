import TallyCore

extension MemoryQueueState {
    /// What a push may be refused for before the queue is even asked. Holds for a closed queue too.
    static func check(_ jobs: [Push], at now: Timestamp) throws(QueueError) {
        let bytes = jobs.reduce(0) { $0 + $1.record.body.count }
        if jobs.count > Limits.jobsPerCall || jobs.count > 1 && bytes > Limits.bodyBytesPerCall {
            throw QueueError(.invalid, "push", "\(InvalidJob.batchTooLarge(jobs: jobs.count, bytes: bytes))")
        }
        for job in jobs {
            if let why = job.problem(at: now) { throw QueueError(.invalid, "push", why) }
        }
    }

    mutating func push(_ pushes: [Push], issued: Issued?, at now: Timestamp) throws(QueueError)
        -> [PushAnswer]
    {
        if let issued, isStale(issued, at: now) { return pushes.map { _ in .refused } }
        if log.entries.count >= bounds.logEntries {
            throw QueueError(
                .full, "push", "the log holds \(log.entries.count) entries that are not mirrored yet")
        }
        let plan = try plan(pushes, at: now)
        append(.push, plan.accepted.map { insert($0, at: now) }, at: now)
        return plan.answers
    }

    /// Queued jobs that follow one another belong together: all of them go in or none. A recorded job is on its own.
    private func plan(_ pushes: [Push], at now: Timestamp) throws(QueueError) -> PushPlan {
        var plan = PushPlan()
        var (before, first) = (plan, 0)
        for (index, push) in pushes.enumerated() {
            if push.isRecorded || index == 0 || pushes[index - 1].isRecorded {
                (before, first) = (plan, index)
            }
            let answer = decide(push, plan, at: now)
            if answer == .full, !push.isRecorded {
                throw QueueError(.full, "push", "queue \(push.record.queue) is over its window")
            }
            plan.add(push, answer, at: now)
            let isLast = index + 1 == pushes.count || pushes[index + 1].isRecorded
            if index > first, isLast, plan.answers[first...].contains(where: { $0.refusal != nil }) {
                let answers = withheld(pushes[first...index], plan.answers[first...])
                plan = before
                plan.answers += answers
            }
        }
        return plan
    }

    /// What those of a refused call are answered: neither they nor what only they stood in the way of is there.
    private func withheld(
        _ pushes: ArraySlice<Push>, _ answers: ArraySlice<PushAnswer>
    ) -> [PushAnswer] {
        let ids = Set(zip(pushes, answers).compactMap { $1 == .pushed ? $0.record.id : nil })
        return zip(pushes, answers).map { push, answer -> PushAnswer in
            switch answer {
            case .pushed: .withheld
            case .exists(same: true) where ids.contains(push.record.id): .withheld
            case .duplicate(let holder) where ids.contains(holder): .withheld
            default: answer
            }
        }
    }

    private func decide(_ push: Push, _ plan: PushPlan, at now: Timestamp) -> PushAnswer {
        let record = push.record
        if let first = plan.records[record.id] { return .exists(same: first.isSame(as: record)) }
        if let end = ended[record.id], end.version >= push.version { return .ended(end.status) }
        if let held = jobs[record.id], held.version >= push.version {
            // At the first version nothing of it was changed.
            return .exists(same: held.record.isSame(as: record, mayHaveChanged: held.version > 1))
        }
        if record.layout > recordLayout { return .layoutNotRaised }
        if let slot = push.slot {
            if homes[record.queue] == .ledger { return .keysElsewhere }
            if let other = plan.claims[slot] { return .duplicate(of: other) }
            if let holder = unique[slot], holder.id != record.id, holder.isLive(at: now) {
                return .duplicate(of: holder.id)
            }
        }
        let waiting = jobs.waiting(in: record.queue) + plan.byQueue[record.queue, default: 0]
        return waiting >= bounds.window ? .full : .pushed
    }

    /// Writes one accepted push; also the reconciler's. A job held at a lower version is replaced, its lease dropped.
    mutating func insert(_ push: Push, at now: Timestamp) -> Move {
        let id = push.record.id
        let replaced = jobs[id]
        if let replaced { unplace(replaced) }
        ended.remove(id)
        var job = QueuedJob(
            record: push.record, version: push.version, status: .pending, attempts: push.attempts,
            runAt: push.runAt, claim: replaced?.claim, hasBegun: push.hasBegun)
        if let slot = push.slot, let key = push.record.unique {
            job.claim = slot
            homes[push.record.queue] = .queue
            unique[slot] = UniqueHolder(id: id, until: key.end(from: now))
        }
        if push.isRecorded, let key = push.record.unique {
            let slot = UniqueSlot(queue: push.record.queue, key: key.text)
            if unique[slot]?.id == id { job.claim = slot }
        }
        var move = Move(id: id, version: push.version, from: replaced?.status, to: .pending)
        if let time = push.runAt, time > now {
            makeWait(job, as: .scheduled, until: time)
            move.to = .scheduled
            move.runAt = time
        } else {
            makeReady(job)
        }
        if !push.isRecorded { move.record = push.record }
        if push.attempts > 0 { move.attempts = push.attempts }
        return move
    }
}

/// What a push call has decided so far: later jobs of the call see the earlier ones.
private struct PushPlan {
    var answers: [PushAnswer] = []
    var accepted: [Push] = []
    var records: [JobID: JobRecord] = [:]
    var claims: [UniqueSlot: JobID] = [:]
    var byQueue: [QueueName: Int] = [:]

    mutating func add(_ push: Push, _ answer: PushAnswer, at now: Timestamp) {
        answers.append(answer)
        guard answer == .pushed else { return }
        accepted.append(push)
        records[push.record.id] = push.record
        byQueue[push.record.queue, default: 0] += 1
        if let slot = push.slot { claims[slot] = push.record.id }
    }
}

extension Push {
    /// The unique key that the queue itself decides: that of a queued job.
    fileprivate var slot: UniqueSlot? {
        guard !isRecorded, let key = record.unique else { return nil }
        return UniqueSlot(queue: record.queue, key: key.text)
    }
}

extension UniqueKey {
    /// When the key is free again; nil = not by time.
    func end(from now: Timestamp) -> Timestamp? {
        if case .lasting(let time) = lifetime { return now + time }
        return nil
    }
}
