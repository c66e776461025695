import TallyCore

extension MemoryQueueState {
    mutating func change(
        _ id: JobID, runAt: Timestamp?, priority: JobPriority?, at now: Timestamp
    ) throws(QueueError) -> ChangeAnswer {
        if runAt == nil, priority == nil {
            throw QueueError(.invalid, "change", "give a time or a priority")
        }
        guard var job = jobs[id] else { return ended[id].map { .ended($0.status) } ?? .unknown }
        if job.status == .processing { return .processing(version: job.version) }
        let runAt = runAt.map { Timestamp(microseconds: Limits.reach($0)) }
        if let runAt, job.isOver(by: runAt) {
            throw QueueError(
                .invalid, "change", "run at: the job may not begin that late: its not-after comes first")
        }
        if log.entries.count >= bounds.logEntries {
            throw QueueError(
                .full, "change", "the log holds \(log.entries.count) entries that are not mirrored yet")
        }
        let from = job.status
        unplace(job)
        job.version += 1
        if let priority { job.record.priority = priority }
        var move = Move(
            id: id, version: job.version, from: from, to: .pending,
            record: priority == nil ? nil : job.record, attempts: job.attempts, crashes: job.crashes)
        let time = runAt ?? (from == .pending ? nil : job.runAt)
        if let time, runAt == nil || time > now {
            makeWait(job, as: .scheduled, until: time)
            move.to = .scheduled
            move.runAt = time
        } else {
            if runAt != nil { job.runAt = nil }
            makeReady(job)
        }
        append(.push, [move], at: now, actor: "change")
        return .changed(move.to, version: job.version)
    }
}
