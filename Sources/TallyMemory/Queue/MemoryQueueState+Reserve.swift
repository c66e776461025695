import TallyCore

extension MemoryQueueState {
    static func check(_ wish: ReserveWish) throws(QueueError) {
        try checkLease(wish.lease, "reserve")
        if wish.queues.isEmpty { throw QueueError(.invalid, "reserve", "no queue is named") }
        if wish.queues.contains(where: { NameCheck.isBlank($0.text) }) {
            throw QueueError(.invalid, "reserve", "queue: must not be blank")
        }
    }

    static func checkLease(_ length: Duration, _ operation: String) throws(QueueError) {
        if length < Limits.minLease || length > Limits.maxLease {
            throw QueueError(.invalidLease, operation, "\(length) is not within 1 µs and one day")
        }
    }

    /// Sweeps first, in entries of their own, so that what has just become runnable can be leased by this very call.
    mutating func reserve(_ wish: ReserveWish, at now: Timestamp) -> Reservation {
        _ = reclaim(Limits.sweepPerCall, at: now)
        _ = promote(Limits.sweepPerCall, at: now)
        let isHeld = isHeld(at: now)
        var reserved: [ReservedJob] = []
        var over: [Move] = []
        if !isHeld {
            let limit = min(max(0, wish.limit), Limits.jobsPerCall)
            var spare = Limits.sweepPerCall
            for queue in wish.queues where !paused.contains(queue) && reserved.count < limit {
                let popped = take(limit - reserved.count, of: queue, spare: &spare, at: now)
                for element in popped {
                    if let move = endIfOver(element, at: now) {
                        over.append(move)
                    } else if let job = lease(element, until: now + wish.lease) {
                        reserved.append(job)
                    }
                }
            }
            let moves = reserved.map {
                Move(id: $0.lease.id, version: $0.lease.version, from: .pending, to: .processing)
            }
            append(.cancel, over, at: now)
            append(.lease, moves, at: now, actor: wish.worker.text)
        }
        // Who goes away with nothing is told of its own queues alone.
        let fits: (Element) -> Bool = { [jobs] element in
            !reserved.isEmpty || jobs[element.id].map { wish.queues.contains($0.record.queue) } ?? false
        }
        let next = [due, leases].compactMap { $0.next(ofFirst: Limits.eventsRead, where: fits) }.min()
        return Reservation(jobs: reserved, nextEvent: next, now: now, isHeld: isHeld)
    }

    /// A job that may not begin any more ends here. nil of every other.
    private mutating func endIfOver(_ element: Element, at now: Timestamp) -> Move? {
        guard let job = jobs[element.id], job.status == .pending, job.version == element.version,
            job.isOver(by: now)
        else { return nil }
        leave(element.id, .cancelled, version: job.version)
        return Move(
            id: element.id, version: job.version, from: .pending, to: .cancelled, error: "expired")
    }

    /// nil for an outdated element: cancel and requeue never search the lists, so it is dropped here.
    private mutating func lease(_ element: Element, until expiry: Timestamp) -> ReservedJob? {
        guard var job = jobs[element.id], job.status == .pending, job.version == element.version else {
            return nil
        }
        job.version += 1
        job.status = .processing
        job.hasBegun = true
        let lease = Lease(
            id: element.id, version: job.version, epoch: epoch, expiresAt: expiry, shard: part.shard)
        job.lease = lease
        jobs[element.id] = job
        leases.insert(job.element, at: expiry)
        return ReservedJob(
            record: job.record, lease: lease, attempts: job.attempts, crashes: job.crashes, runAt: job.runAt,
            error: job.error, failedAt: job.failedAt)
    }
}
