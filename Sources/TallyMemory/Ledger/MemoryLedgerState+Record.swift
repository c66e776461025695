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
            answers: answers, outbox: new.isEmpty ? nil : addOutbox(new, isRequeue: false, at: now))
    }

    /// Earlier jobs of the call are rows already, so a repeat inside the call is a repeat like any other.
    private mutating func record(_ job: JobRecord, at now: Timestamp) -> RecordReceipt.Answer {
        if let row = rows[job.id] { return .exists(same: row.job.record.isSame(as: job)) }
        if let slot = job.slot, let key = job.unique {
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

    /// Marks up to `limit` rows as being pushed, and gives what is to be pushed of each: of jobs that are not
    /// terminal, at the OUTBOX row's version. The job row's may be higher by now, and a later version is another
    /// push's to bring.
    mutating func claim(_ limit: Int, upTo time: Timestamp) -> [OutboxRow] {
        let free = outbox.values.filter { !$0.isClaimed && $0.at <= time }.sorted { $0.id < $1.id }
        return free.prefix(max(0, limit)).map { entry in
            outbox[entry.id]?.isClaimed = true
            let pushes = entry.jobs.compactMap { id, version -> Push? in
                guard let job = rows[id]?.job, !job.status.isTerminal else { return nil }
                return Push(job.record, version: version, runAt: job.runAt, attempts: job.attempts)
            }
            return OutboxRow(id: OutboxID(entry.id), pushes: pushes)
        }
    }

    mutating func releaseClaims(_ ids: [OutboxID]) {
        for id in ids { outbox[id.value]?.isClaimed = false }
    }

    /// A run is recorded as it begins and again as it ends.
    mutating func record(_ run: ReconcileRun) {
        if let at = runs.firstIndex(where: { $0.id == run.id }) { runs[at] = run } else { runs.append(run) }
    }
}
