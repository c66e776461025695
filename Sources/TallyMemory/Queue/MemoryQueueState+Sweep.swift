import TallyCore

extension MemoryQueueState {
    /// Due jobs to their lists, by due time. Returns how many.
    mutating func promote(_ limit: Int, at now: Timestamp) -> Int {
        let moves = due.take(upTo: now, limit: limit).compactMap { element -> Move? in
            guard let job = jobs[element.id], job.version == element.version else { return nil }
            makeReady(job)
            return Move(id: element.id, version: element.version, from: job.status, to: .pending)
        }
        append(.promote, moves, at: now)
        return moves.count
    }

    /// Expired leases back to their lists, by expiry; a lease that expires exactly now has expired. Returns how many.
    mutating func reclaim(_ limit: Int, at now: Timestamp) -> Int {
        let moves = leases.take(upTo: now, limit: limit).compactMap { element -> Move? in
            guard var job = jobs[element.id], job.version == element.version else { return nil }
            job.lease = nil
            job.crashes += 1
            jobs[element.id] = job
            return takeBack(job)
        }
        append(.reclaim, moves, at: now)
        return moves.count
    }

    private mutating func takeBack(_ job: QueuedJob) -> Move {
        var move = Move(
            id: job.record.id, version: job.version, from: .processing, to: .pending, crashes: job.crashes)
        if job.cancelRequested {
            move.to = .cancelled
            leave(move.id, .cancelled, version: move.version)
        } else if job.crashes >= job.record.maxCrashes {
            move.to = .failed
            move.error = "crashed: the lease ran out \(job.crashes) times"
            leave(move.id, .failed, version: move.version)
        } else {
            var job = job
            job.runAt = nil
            makeReady(job)
        }
        return move
    }
}
