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
        append(.cancel, [end(id, from: nil, version: version)], at: now)
        return .cancelled(version: version, epoch: epoch)
    }

    /// The same for what waits alone: a leased one is left as it is.
    mutating func cancelWaiting(
        _ ids: [JobID], tombstones: [JobID: Int], issued: Issued?, at now: Timestamp
    ) -> [CancelWaitingAnswer] {
        let isLate = issued.map { isStale($0, at: now) } ?? true
        var (answers, moves): ([CancelWaitingAnswer], [Move]) = ([], [])
        for id in ids {
            let held = jobs[id]
            if let move = moves.first(where: { $0.id == id }) {
                answers.append(.ended(.cancelled, version: move.version))  // named twice
            } else if tombstones[id] != nil, isLate {
                answers.append(.refused)
            } else if let held, held.status == .processing {
                answers.append(.processing(version: held.version))
            } else if held == nil, let known = ended[id], known.version >= tombstones[id] ?? 0 {
                answers.append(.ended(known.status, version: known.version))
            } else if let version = held?.version ?? tombstones[id] {
                moves.append(end(id, from: held?.status, version: version))
                answers.append(.cancelled(version: version, epoch: epoch))
            } else {
                answers.append(.unknown)
            }
        }
        append(.cancel, moves, at: now)
        return answers
    }

    private mutating func cancel(held job: QueuedJob, at now: Timestamp) -> CancelAnswer {
        let id = job.record.id
        guard job.status == .processing else {
            append(.cancel, [end(id, from: job.status, version: job.version)], at: now)
            return .cancelled(version: job.version, epoch: epoch)
        }
        if !job.cancelRequested {
            jobs[id]?.cancelRequested = true
            append(.cancel, [Move(id: id, version: job.version, from: .processing, to: .processing)], at: now)
        }
        return .cancelling(version: job.version)
    }

    private mutating func end(_ id: JobID, from: JobStatus?, version: Int) -> Move {
        leave(id, .cancelled, version: version)
        return Move(id: id, version: version, from: from, to: .cancelled)
    }
}
