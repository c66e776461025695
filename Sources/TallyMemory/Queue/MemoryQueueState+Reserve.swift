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
        var grants = Grants()
        if !isHeld {
            let limit = min(max(0, wish.limit), Limits.jobsPerCall)
            for queue in wish.queues where !paused.contains(queue) && grants.jobs.count < limit {
                hand(limit - grants.jobs.count, of: queue, until: now + wish.lease, at: now, into: &grants)
            }
            let moves = grants.jobs.map {
                Move(id: $0.lease.id, version: $0.lease.version, from: .pending, to: .processing)
            }
            append(.cancel, grants.over, at: now)
            append(.lease, moves, at: now, actor: wish.worker.text)
        }
        let reserved = grants.jobs
        // Who goes away with nothing is told of its own queues alone.
        let fits: (Element) -> Bool = { [jobs] element in
            !reserved.isEmpty || jobs[element.id].map { wish.queues.contains($0.record.queue) } ?? false
        }
        let next = [due, leases].compactMap { $0.next(ofFirst: Limits.eventsRead, where: fits) }.min()
        let isShort = reserved.count < min(wish.limit, Limits.jobsPerCall)
        return Reservation(
            jobs: reserved, nextEvent: next, now: now, isHeld: isHeld,
            isCut: (grants.isFull || grants.hasParkedMost) && isShort)
    }

    /// What one reserve has handed out, and what it still may.
    private struct Grants {
        var jobs: [ReservedJob] = []
        var over: [Move] = []
        /// More waits of a queue of which as many were parked as one call may.
        var hasParkedMost = false
        var bytes = Limits.reserveBytes
        /// Another record of the largest kind would not fit.
        var isFull: Bool { bytes < Limits.inlineBodyBytes }
    }

    /// Hands out up to `need` jobs of a queue. An element is taken before its record is known, so never more at once
    /// than could all be of the largest kind.
    private mutating func hand(
        _ need: Int, of queue: QueueName, until expiry: Timestamp, at now: Timestamp,
        into grants: inout Grants
    ) {
        var (need, spare) = (need, Limits.sweepPerCall)
        while need > 0 {
            let window = min(need, grants.bytes / Limits.inlineBodyBytes)
            if window < 1 { break }
            let popped = take(window, of: queue, spare: &spare, at: now)
            for element in popped {
                if let move = endIfOver(element, at: now) {
                    grants.over.append(move)
                } else if let job = lease(element, until: expiry) {
                    grants.jobs.append(job)
                    grants.bytes -= job.record.inlineBytes
                }
            }
            need -= popped.count
            if popped.count < window { break }
        }
        if grants.isFull { woken.insert(queue) }  // more may wait behind them
        if spare < 1, ready[queue]?.isEmpty == false { grants.hasParkedMost = true }
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

extension JobRecord {
    /// What a reservation carries of its body: a larger one is read afterwards.
    fileprivate var inlineBytes: Int { body.count > Limits.inlineBodyBytes ? 0 : body.count }
}
