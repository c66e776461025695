import TallyCore

extension MemoryLedgerState {
    static func check(_ jobs: [JobRecord]) throws(LedgerError) {
        for job in jobs {
            do { try job.check() } catch { throw LedgerError(.invalid, "record", "\(error)") }
        }
    }

    mutating func record(_ jobs: [JobRecord], at now: Timestamp) -> RecordReceipt {
        var answers: [RecordReceipt.Answer] = []
        var new: [(id: JobID, version: Int)] = []
        for job in jobs {
            let answer = record(job, at: now)
            answers.append(answer)
            if answer == .recorded { new.append((job.id, 1)) }
        }
        return RecordReceipt(
            answers: answers, outboxes: addOutbox(new, isRequeue: false, at: now))
    }

    /// What recording them would answer; this state stays as it is.
    func recorded(_ jobs: [JobRecord], at now: Timestamp) -> (state: Self, receipt: RecordReceipt) {
        var copy = self
        let receipt = copy.record(jobs, at: now)
        return (copy, receipt)
    }

    /// Earlier jobs of the call are rows already, so a repeat inside the call is a repeat like any other.
    private mutating func record(_ job: JobRecord, at now: Timestamp) -> RecordReceipt.Answer {
        if let row = rows[job.id] {
            return .exists(same: row.enqueued.isSame(as: job, mayHaveChanged: row.job.version > 1))
        }
        if job.layout > recordLayout { return .layoutNotRaised }
        if let slot = job.slot, let key = job.unique {
            if keyHomes.contains(job.queue) { return .keysElsewhere }
            if let holder = unique[slot], holder.isLive(at: now) { return .duplicate(of: holder.id) }
            unique[slot] = UniqueHolder(id: job.id, until: key.end(from: now))
        }
        let waits = job.runAt.map { $0 > now } ?? false
        insert(
            LedgerRow(
                job: JobSnapshot(
                    record: job, status: waits ? .scheduled : .pending, version: 1, attempts: job.attempts,
                    runAt: job.runAt, updatedAt: now)))
        return .recorded
    }

    // MARK: - Outbox

    mutating func finishOutbox(_ id: OutboxID) {
        guard let row = outbox.removeValue(forKey: id.value) else { return }
        if !row.isRequeue { accepted += row.jobs.count }
    }

    /// Marks rows of the next queues as being pushed, and gives what is to be pushed of each: of jobs that are not
    /// terminal, at the OUTBOX row's version. The job row's may be higher by now, and a later version is another
    /// push's to bring.
    mutating func claim(_ claim: RelayClaim, at now: Timestamp) -> (rows: [OutboxRow], next: String?) {
        let limit = max(1, claim.rows)
        let waiting = Set(outbox.values.map(\.queue)).sorted().filter {
            $0.text > claim.after ?? "" && claim.part.holds($0)
        }
        let queues = waiting.prefix(limit)
        if queues.isEmpty { return ([], nil) }
        let share = max(1, limit / queues.count)
        let free = queues.flatMap { queue in
            outbox.values.filter { !$0.isClaimed && $0.queue == queue && $0.at <= now - claim.olderThan }
                .sorted { $0.id < $1.id }.prefix(share)
        }
        let rows = free.sorted { $0.id < $1.id }.map { entry in
            outbox[entry.id]?.isClaimed = true
            let pushes = entry.jobs.compactMap { id, version -> Push? in
                guard let job = self.rows[id]?.job, !job.status.isTerminal else { return nil }
                return Push(job.record, version: version, runAt: job.runAt, attempts: job.attempts)
            }
            return OutboxRow(id: OutboxID(entry.id), pushes: pushes)
        }
        return (rows, queues.count < limit ? nil : queues.last?.text)
    }

    /// Does what a push answered. True: the row is gone.
    mutating func settle(_ row: OutboxRow, _ verdict: RelayVerdict, at now: Timestamp) -> Bool {
        for push in row.pushes {
            if let reason = verdict.aside[push.record.id] {
                setAside(push.record.id, version: push.version, reason, at: now)
            }
        }
        if verdict.left.isEmpty {
            finishOutbox(row.id)
            return true
        }
        guard verdict.left.count < row.pushes.count, let entry = outbox[row.id.value] else { return false }
        let stays = Set(verdict.left)
        let left = entry.jobs.filter { stays.contains($0.id) }
        if !entry.isRequeue { accepted += entry.jobs.count - left.count }
        outbox[row.id.value]?.jobs = left
        return false
    }

    private mutating func setAside(_ id: JobID, version: Int, _ reason: String, at now: Timestamp) {
        guard var row = rows[id], row.job.version == version, !row.job.status.isTerminal else { return }
        let from = row.job.status
        row.job.status = .failed
        row.job.error = "set aside: \(reason)"
        row.job.runAt = nil
        row.job.failedAt = now
        row.job.completedAt = now
        row.job.updatedAt = now
        update(row)
        setAside[id] = reason
        events[id, default: []].append(
            JobEvent(
                job: id, position: .ledgerFirst(.repair, version: version, epoch: row.job.epoch), at: now,
                verb: .repair, from: from, to: .failed, version: version, attempts: row.job.attempts,
                actor: "relay",
                error: row.job.error))
    }

    mutating func releaseClaims(_ ids: [OutboxID]) {
        for id in ids { outbox[id.value]?.isClaimed = false }
    }

    /// A run is recorded as it begins and again as it ends.
    mutating func record(_ run: ReconcileRun) {
        if let at = runs.firstIndex(where: { $0.id == run.id }) { runs[at] = run } else { runs.append(run) }
    }
}
