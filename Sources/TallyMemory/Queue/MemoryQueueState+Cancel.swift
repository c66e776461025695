import TallyCore

extension MemoryQueueState {
    /// Follows `cancel` of the model: a stale `tombstone` is refused whatever the queue knows of the id.
    mutating func cancel(
        _ id: JobID, tombstone: (version: Int, issued: Issued)?, at now: Timestamp
    ) -> CancelAnswer {
        if let tombstone, isStale(tombstone.issued, at: now) { return .refused }
        if let job = jobs[id] { return cancel(held: job, at: now) }
        if let end = ended[id], end.version >= tombstone?.version ?? 0 {
            return .ended(end.status, version: end.version)
        }
        guard let version = tombstone?.version else { return .unknown }
        return end(id, from: nil, version: version, at: now)
    }

    private mutating func cancel(held job: QueuedJob, at now: Timestamp) -> CancelAnswer {
        let id = job.record.id
        guard job.status == .processing else {
            return end(id, from: job.status, version: job.version, at: now)
        }
        if !job.cancelRequested {
            jobs[id]?.cancelRequested = true
            append(.cancel, [Move(id: id, version: job.version, from: .processing, to: .processing)], at: now)
        }
        return .cancelling(version: job.version)
    }

    private mutating func end(_ id: JobID, from: JobStatus?, version: Int, at now: Timestamp) -> CancelAnswer
    {
        leave(id, .cancelled, version: version)
        append(.cancel, [Move(id: id, version: version, from: from, to: .cancelled)], at: now)
        return .cancelled(version: version, epoch: epoch)
    }
}
