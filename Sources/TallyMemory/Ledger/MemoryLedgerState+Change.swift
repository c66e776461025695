import TallyCore

extension MemoryLedgerState {
    /// False when the cursor has moved: another mirror was first, and nothing is written.
    mutating func apply(_ batch: MirrorBatch, at now: Timestamp) -> Bool {
        guard cursors[batch.shard] ?? .start(of: batch.shard) == batch.after else { return false }
        for event in batch.events { events[event.job, default: []].append(event) }
        for job in batch.created {
            if rows[job.record.id] == nil {
                insert(LedgerRow(job: job))
                accepted += 1
            } else {
                // A queued job under an id that was recorded too, or a push that Redis lost and took again.
                change(RowChange(created: job))
            }
        }
        for change in batch.changed { self.change(change) }
        for (beat, at, _) in batch.beats { note(beat, at) }
        quarantine += batch.unreadable
        let recorded = Set(unique.filter { $0.value.isLive(at: now) }.keys.map(\.queue))
        keyHomes.formUnion(batch.keyHomes.filter { !recorded.contains($0) })
        cursors[batch.shard] = batch.upTo
        return true
    }

    private mutating func note(_ beat: WorkerBeat, _ at: Timestamp) {
        for line in beat.lines ?? [] {
            // A line that is told again is there already.
            let isKnown = lines[line.job]?.contains {
                ($0.epoch, $0.version, $0.number) == (line.epoch, line.version, line.number)
            }
            if isKnown == true { continue }
            lines[line.job, default: []].append(line)
            // Of each job the last ones stay.
            guard let all = lines[line.job], all.count > Limits.jobLines else { continue }
            lines[line.job] = Array(all.sorted(by: AttemptLine.isEarlier).suffix(Limits.jobLines))
        }
        var beat = beat
        beat.lines = nil
        workers[beat.id] = WorkerRow(beat: beat, lastSeen: at)
    }

    private mutating func change(_ change: RowChange) {
        guard var row = rows[change.id],
            row.guard.yields(toEpoch: change.epoch, version: change.version, seq: change.seq)
        else { return }
        row.job.apply(change)
        update(row)
    }

    mutating func requeue(
        _ id: JobID, seen version: Int, runAt: Timestamp?, resetAttempts: Bool, actor: String,
        despiteEffect: Bool, at now: Timestamp
    ) -> RequeueAnswer {
        guard var row = rows[id] else { return .notFound }
        guard row.job.status == .failed, row.job.version == version else { return .notFailed(row.job.status) }
        if effects[id] != nil, !despiteEffect { return .effectCommitted }
        effects[id] = nil
        let waits = runAt.map { $0 > now } ?? false
        row.job.status = waits ? .scheduled : .pending
        row.job.version += 1
        row.job.runAt = waits ? runAt : nil
        row.job.crashes = 0
        row.job.completedAt = nil
        row.job.updatedAt = now
        if resetAttempts {
            row.job.attempts = 0
            row.job.error = nil
            row.job.failedAt = nil
        }
        row.floor = row.job.version
        update(row)
        events[id, default: []].append(
            JobEvent(
                job: id,
                position: .ledgerFirst(.requeue, version: row.job.version, epoch: row.job.epoch), at: now,
                verb: .requeue, from: .failed, to: row.job.status, version: row.job.version,
                attempts: row.job.attempts,
                actor: actor))
        _ = addOutbox([(id, row.job.version)], isRequeue: true, at: now)
        return .requeued(version: row.job.version)
    }

    mutating func recordCancel(
        _ id: JobID, version: Int, epoch: Int64, shard: Shard, at now: Timestamp
    ) -> RecordCancelAnswer {
        guard var row = rows[id] else { return .notFound }
        if row.job.status == .cancelled { return .cancelled }
        if row.job.status.isTerminal { return .ended(row.job.status) }
        if row.job.version > version || cursors[shard]?.epoch ?? 0 != epoch { return .raced }
        let place = LogPosition.ledgerFirst(.cancel, version: version, epoch: row.job.epoch)
        events[id, default: []].append(
            JobEvent(
                job: id, position: LogPosition(shard: shard, epoch: place.epoch, seq: place.seq), at: now,
                verb: .cancel, from: row.job.status, to: .cancelled, version: version,
                attempts: row.job.attempts, actor: "client"))
        row.job.status = .cancelled
        row.job.version = version
        row.job.completedAt = now
        row.job.updatedAt = now
        update(row)
        return .cancelled
    }
}

extension RowChange {
    /// A created row that turned out to be there.
    fileprivate init(created job: JobSnapshot) {
        self.init(
            id: job.record.id, position: LogPosition(epoch: job.epoch, seq: job.seq), version: job.version,
            status: job.status, at: job.updatedAt ?? job.record.createdAt)
        startedAt = job.startedAt
        completedAt = job.completedAt
        scheduledAt = job.runAt
        workerID = job.workerID?.text
        attempts = job.attempts
        crashes = job.crashes
        error = job.error
        result = job.result
        // All of a record that ever changes.
        priority = job.record.priority
    }
}
