import TallyCore
import TallyMemory
import TallyTesting

/// A memory queue with one deliberate defect, to show that the kits notice.
struct MutantQueue: QueueDriver {
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
        /// Answers a call of mixed settlements in the order of their kinds.
        case sortedAnswers
    }

    let defect: Defect
    /// The kit's, moved a microsecond for the length of a call.
    private let clock: ManualClock
    private let base: MemoryQueue

    init(_ defect: Defect, clock: ManualClock) {
        self.defect = defect
        self.clock = clock
        base = MemoryQueue(clock: clock.reading)
    }

    var store: QueueStore {
        var store = base.store
        store.enqueueing = self
        store.leasing = self
        store.control = self
        store.repair = self
        return store
    }

    /// Stores around such a queue.
    static func stores(_ defect: Defect) -> ConformanceStore {
        let clock = ManualClock()
        return ConformanceStore(
            queue: MutantQueue(defect, clock: clock), ledger: MemoryLedger(), clock: clock)
    }
}

extension MutantQueue: Enqueueing {
    func push(_ jobs: [Push], issued: Issued?) async throws(QueueError) -> [PushAnswer] {
        if defect == .lostJob, jobs.count > 2 {
            return try await base.push(jobs.dropLast(), issued: issued) + [.pushed]
        }
        let answers = try await base.push(jobs, issued: issued)
        guard defect == .sameContent else { return answers }
        return answers.map { $0 == .exists(same: false) ? .exists(same: true) : $0 }
    }
    func stamp() async throws(QueueError) -> Issued { try await base.stamp() }
}

extension MutantQueue: ForwardingLeases {
    var leases: any Leasing { base }

    func reserve(_ wish: ReserveWish) async throws(QueueError) -> Reservation {
        var wish = wish
        if defect == .reversedQueues { wish.queues.reverse() }
        if defect == .longLease, wish.lease > .zero, wish.lease < Limits.maxLease {
            wish.lease += .microseconds(1)
        }
        if defect == .earlyPromotion, wish.lease > .zero {
            clock.advance(by: .microseconds(1))
            _ = try await base.promote(Limits.sweepPerCall)
            clock.advance(by: .microseconds(-1))
        }
        return try await base.reserve(wish)
    }

    func settle(_ settlements: [Settlement]) async throws(QueueError) -> [SettleAnswer] {
        var bent: [Settlement] = []
        for settlement in settlements { bent.append(try await bend(settlement)) }
        let grace: Duration = defect == .graceAtExpiry ? .microseconds(1) : .zero
        clock.advance(by: .zero - grace)
        defer { clock.advance(by: grace) }
        let answers = try await base.settle(bent)
        guard defect == .sortedAnswers else { return answers }
        return zip(settlements, answers).sorted { $0.0.verb.rawValue < $1.0.verb.rawValue }.map(\.1)
    }

    private func bend(_ settlement: Settlement) async throws(QueueError) -> Settlement {
        switch settlement {
        case .ack(let lease, let result) where defect == .anyEpoch:
            let held = try await base.inspect([lease.id]).held[lease.id]?.lease
            return .ack(held?.version == lease.version ? held ?? lease : lease, result: result)
        case .retry(let lease, let runAt, let attempts, _, let failedAt) where defect == .lostError:
            return .retry(lease, runAt: runAt, attempts: attempts, error: "", failedAt: failedAt)
        case .release(let lease, let runAt) where defect == .releaseAsRetry:
            return .retry(lease, runAt: runAt, attempts: 0, error: "")
        default: return settlement
        }
    }
}

extension MutantQueue: QueueControl {
    func cancel(
        _ id: JobID, tombstone: (version: Int, issued: Issued)?
    ) async throws(QueueError) -> CancelAnswer {
        if defect == .forgottenCancel, let job = try await base.inspect([id]).held[id],
            job.status == .processing
        {
            return .cancelling(version: job.version)
        }
        return try await base.cancel(id, tombstone: tombstone)
    }
    func cancelWaiting(
        _ ids: [JobID], tombstones: [JobID: Int], issued: Issued?
    ) async throws(QueueError) -> [CancelWaitingAnswer] {
        try await base.cancelWaiting(ids, tombstones: tombstones, issued: issued)
    }
    func pause(_ queue: QueueName, _ paused: Bool) async throws(QueueError) {
        try await base.pause(queue, paused)
    }
    func promote(_ limit: Int) async throws(QueueError) -> Int { try await base.promote(limit) }
    func reclaim(_ limit: Int) async throws(QueueError) -> Int { try await base.reclaim(limit) }
}

extension MutantQueue: QueueRepairing {
    func repair(_ repairs: [QueueRepair]) async throws(QueueError) -> [Bool] {
        guard defect == .blindRepair else { return try await base.repair(repairs) }
        let view = try await base.inspect(repairs.map(\.id))
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
