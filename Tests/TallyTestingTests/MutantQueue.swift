import TallyCore
import TallyMemory
import TallyTesting

/// A queue with one deliberate defect each, to see that the kits notice.
struct MutantQueue: ForwardingInspectableQueue {
    enum Defect: String, CaseIterable {
        /// Lets an expired lease settle: 1 µs of grace at the expiry.
        case graceAtExpiry
        /// Hands out leases 1 µs too long.
        case longLease
        /// Promotes 1 µs early.
        case earlyPromotion
        /// Serves the queues in reverse order.
        case reversedQueues
        /// Forgets that cancellation was asked for.
        case forgottenCancel
        /// Takes tokens of any epoch.
        case anyEpoch
        /// Loses the last job of a batch.
        case lostJob
        /// Says `exists(same: true)` whatever the content.
        case sameContent
        /// Loses error texts on retry.
        case lostError
        /// Repairs without looking.
        case blindRepair
        /// Writes no log entry for releases: retries them instead, with the attempts unchanged.
        case releaseAsRetry
    }
    let base = MemoryQueue()
    var inspected: any InspectableQueue { base }
    let defect: Defect

    private func soften(_ lease: Lease) async throws(QueueError) -> Lease {
        guard defect == .anyEpoch else { return lease }
        let held = try await base.inspect([lease.id], at: nil).held[lease.id]?.lease
        return held?.version == lease.version ? held ?? lease : lease
    }
    private func soften(_ now: Timestamp?) -> Timestamp? {
        defect == .graceAtExpiry ? now.map { $0 - .microseconds(1) } : now
    }

    func push(_ jobs: [Push], issued: Issued?, at now: Timestamp?) async throws(QueueError) -> [PushAnswer] {
        if defect == .lostJob, jobs.count > 2 {
            return try await base.push(jobs.dropLast(), issued: issued, at: now) + [.pushed]
        }
        let answers = try await base.push(jobs, issued: issued, at: now)
        guard defect == .sameContent else { return answers }
        return answers.map { $0 == .exists(same: false) ? .exists(same: true) : $0 }
    }
    func reserve(_ wish: ReserveWish, at now: Timestamp?) async throws(QueueError) -> Reservation {
        var wish = wish
        if defect == .reversedQueues { wish.queues.reverse() }
        if defect == .longLease, wish.lease > .zero, wish.lease < Limits.maxLease {
            wish.lease += .microseconds(1)
        }
        if defect == .earlyPromotion, let now, wish.lease > .zero {
            _ = try await base.promote(Limits.sweepPerCall, at: now + .microseconds(1))
        }
        return try await base.reserve(wish, at: now)
    }
    func ack(_ acks: [Ack], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        var softened: [Ack] = []
        for ack in acks { softened.append(Ack(try await soften(ack.lease), result: ack.result)) }
        return try await base.ack(softened, at: soften(now))
    }
    func retry(_ retries: [Retry], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        guard defect == .lostError else { return try await base.retry(retries, at: now) }
        return try await base.retry(
            retries.map {
                Retry($0.lease, runAt: $0.runAt, attempts: $0.attempts, error: "", failedAt: $0.failedAt)
            }, at: now)
    }
    func fail(_ failures: [Failure], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await base.fail(failures, at: soften(now))
    }
    func release(_ releases: [Release], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        guard defect == .releaseAsRetry else { return try await base.release(releases, at: now) }
        return try await base.retry(
            releases.map { Retry($0.lease, runAt: $0.runAt, attempts: 0, error: "", failedAt: nil) }, at: now)
    }
    func cancel(
        _ id: JobID, tombstone: (version: Int, issued: Issued)?, at now: Timestamp?
    ) async throws(QueueError) -> CancelAnswer {
        if defect == .forgottenCancel, let job = try await base.inspect([id], at: now).held[id],
            job.status == .processing
        {
            return .cancelling(version: job.version)
        }
        return try await base.cancel(id, tombstone: tombstone, at: now)
    }
    func repair(_ repairs: [QueueRepair]) async throws(QueueError) -> [Bool] {
        guard defect == .blindRepair else { return try await base.repair(repairs) }
        let view = try await base.inspect(repairs.map(\.id), at: nil)
        var blind = repairs
        for (at, repair) in repairs.enumerated() {
            if let job = view.held[repair.id] {
                blind[at].expected = .held(job.status, version: job.version)
            } else if let end = view.ended[repair.id] {
                blind[at].expected = .ended(end.status, version: end.version)
            } else {
                blind[at].expected = .absent
            }
        }
        return try await base.repair(blind)
    }
}

extension MutantQueue {
    /// Stores around such a queue.
    static func stores(_ defect: Defect) -> ConformanceStore {
        ConformanceStore(queue: MutantQueue(defect: defect), ledger: MemoryLedger())
    }
}
