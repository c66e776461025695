import TallyCore
import TallyDuties
import TallyRuntime

/// How a change of many jobs goes.
package struct BulkOptions: Sendable {
    /// Changes them; else only says what it would change.
    package var goes = false
    /// At most so many jobs; others are left.
    package var limit = Limits.bulkJobs
    /// At most about so many rows are looked at for those that match.
    package var looked = Limits.bulkLooked
    /// At most so many a second, so that the servers and the workers keep up.
    package var rate = Limits.bulkRate
    /// Hears, now and then, how many are done.
    package var progress: @Sendable (Int) -> Void = { _ in }
    /// Whether whoever runs it wants no more; asked before each group, and within one whose jobs are waited for.
    package var isStopped: @Sendable () -> Bool = { false }
    /// By what its rate is kept.
    package var pace = BulkPace()

    /// A dry run.
    package init() {}
}

/// The time by which a change of many jobs keeps its rate: the machine's, or a test's.
package struct BulkPace: Sendable {
    /// What time it is.
    package var now: @Sendable () -> ContinuousClock.Instant = { .now }
    /// Waits until that time.
    package var sleep: @Sendable (ContinuousClock.Instant) async throws -> Void = { time in
        try await Task.sleep(until: time, clock: .continuous)
    }

    /// The machine's.
    package init() {}

    func wait(until turn: ContinuousClock.Instant) async throws {
        if turn > now() { try await sleep(turn) }
    }
}

extension Admin {
    /// Walks the jobs that stand so and match, the oldest first, each once, and changes each at its turn.
    ///
    /// - Parameter most: how many are changed at a time.
    /// - Parameter counted: how many there are, matching or not; asked before, and after it where jobs are changed.
    /// - Parameter refuse: why a job must be left as it is, also in a dry run; nil = it need not.
    /// - Parameter change: what became of a group.
    /// - Parameter turned: after each page of changes.
    private func bulk(
        _ statuses: [JobStatus], matching filter: JobFilter, _ options: BulkOptions, atOnce most: Int = 1,
        counted: () async throws -> Int, refuse: (JobSnapshot) -> String? = { _ in nil },
        change: ([JobSnapshot]) async throws -> BulkOutcome, turned: () async -> Void = {}
    ) async throws -> BulkReport {
        let ledger = try ledger()
        var course = BulkCourse(isDry: !options.goes, before: try await counted())
        var kinds: [BulkReport.Kind] = []
        let now = try await ledger.recording.clock()
        // What is still to be asked, each from its cursor on.
        var queries = statuses.map { status in
            JobQuery(queue: filter.queue, status: status, type: filter.type, limit: Limits.bulkPage)
        }
        try await course.walk(
            options, atOnce: most,
            next: { () async throws(LedgerError) -> BulkPage<JobSnapshot> in
                let page = try await ledger.inspection.list(queries[0])
                queries[0].cursor = page.next
                if page.next == nil { queries.removeFirst() }
                return BulkPage(
                    jobs: page.jobs.filter { filter.matches($0, now: now) }, looked: page.jobs.count,
                    isLast: queries.isEmpty)
            },
            seen: { kinds.add($0) }, refuse: refuse, change: change, turned: turned, counted: counted)
        return BulkReport(course, kinds)
    }

    /// Requeues every dead letter that matches, in the ledger first; a crash in between leaves the rest as they were.
    /// One whose row somebody's open transaction holds is passed over; where it is the table that is held, the run
    /// ends.
    ///
    /// - Parameter wish: how each is requeued; its own id and queue count for nothing.
    package func requeueAll(
        matching filter: JobFilter, _ wish: RequeueWish, _ options: BulkOptions
    ) async throws -> BulkReport {
        let ledger = try ledger()
        var touched: [QueueName: Int] = [:]
        var held = HeldInRow()
        return try await bulk(
            [.failed], matching: filter, options,
            counted: { try await ledger.inspection.balances().failed },
            change: { group in
                var outcome = BulkOutcome()
                for job in group {
                    var own = wish
                    own.id = job.record.id
                    own.queue = nil
                    do {
                        switch try await requeue(own, isPushed: false) {
                        case .requeued: touched[job.record.queue, default: 0] += 1
                        case .refused(let why): outcome.refusals[own.id] = why.word
                        }
                        held.pass()
                    } catch let error as LedgerError where error.isRowHeld {
                        if held.meet(own.id) { throw error }
                        outcome.refusals[own.id] = BulkReport.locked
                    }
                }
                return outcome
            },
            turned: {
                await relay(touched, ledger)
                touched.removeAll()
            })
    }

    /// Brings to the queue what was just recorded: so many rows of the outbox, by queue. A Redis that is away gets
    /// them later, from `tally serve`.
    func relay(_ recorded: [QueueName: Int], _ ledger: LedgerStore) async {
        for (name, count) in recorded {
            let relay = Relay(queue: queue.shard(of: name), ledger: ledger)
            var left = count
            // A step takes a page of a queue's rows, others' too: without an end to it whoever enqueues all the time
            // would hold this up for ever. `tally serve` relays what is left.
            while left > 0, let pushed = try? await relay.step(olderThan: .zero), pushed > 0 {
                left -= pushed
            }
        }
    }

    /// Deletes every dead letter that matches and is old enough: what is gone cannot be requeued, and its id must not
    /// be taken for a new one.
    package func purgeDeadLetters(
        matching filter: JobFilter, _ options: BulkOptions, actor: String
    ) async throws -> BulkReport {
        let ledger = try ledger()
        guard let purging = ledger.purging else {
            throw LedgerError(.unsupported, "purge", "this ledger keeps its dead letters")
        }
        let time = try await ledger.recording.clock() - Limits.purgeAge
        return try await bulk(
            [.failed], matching: filter, options,
            counted: { try await ledger.inspection.balances().failed },
            refuse: { job in
                guard let end = job.completedAt, end < time, job.record.id.createdAt < time else {
                    return "too_young"
                }
                return nil
            },
            change: { group in
                var outcome = BulkOutcome()
                for job in group {
                    let id = job.record.id
                    let gone = try await purging.purge([id: job.version], before: time, actor: actor)
                    if gone.contains(id) { continue }
                    // What stands as it stood was held by somebody, or the mirror has changes of it.
                    let stands = try await ledger.inspection.jobs([id])[id]?.version == job.version
                    outcome.refusals[id] = stands ? BulkReport.locked : "moved_on"
                }
                return outcome
            })
    }

    /// Cancels every job of a queue that waits and matches, many in one call of its shard: `tally queue purge`. One
    /// that runs is left as it is, also where a worker takes it in that very moment.
    package func cancelWaiting(
        in queue: QueueName, matching filter: JobFilter, _ options: BulkOptions
    ) async throws -> BulkReport {
        var filter = filter
        filter.queue = queue
        let canceller = Canceller(queue: self.queue, ledger: try ledger())
        var held = HeldInRow()
        return try await bulk(
            [.scheduled, .pending, .retrying], matching: filter, options,
            atOnce: min(Limits.sweepPerCall, options.rate), counted: { try await waiting(in: queue) },
            change: { group in
                let ids = group.map(\.record.id)
                return BulkOutcome(
                    try await canceller.cancelWaiting(
                        ids, of: queue, held: &held, isStopped: options.isStopped))
            })
    }

    private func waiting(in queue: QueueName) async throws -> Int {
        let counts = try await self.queue.shard(of: queue).inspectable().counts()
        return counts.first { $0.queue == queue }.map { $0.pending + $0.waiting + $0.due } ?? 0
    }
}

extension BulkOutcome {
    /// What may be cancelled by now is not left as it is.
    fileprivate init(_ outcomes: [JobID: WaitingOutcome]) {
        for (id, outcome) in outcomes {
            switch outcome {
            case .cancelled: break
            case .running: refusals[id] = "running"
            case .ended: refusals[id] = "ended"
            case .notFound: refusals[id] = "not_found"
            case .uncertain(let why):
                uncertain += 1
                doubts[why, default: 0] += 1
            case .away(let why):
                uncertain += 1
                failure = why
            case .stopped:
                uncertain += 1
                isStopped = true
            }
        }
    }
}

extension RequeueRefusal {
    /// One word, to be counted by.
    package var word: String {
        switch self {
        case .unknown: "unknown"
        case .notMirrored: "not_mirrored"
        case .inQueue: "in_another_queue"
        case .notFailed: "not_failed"
        case .effectCommitted: "effect_committed"
        case .onSeveralShards: "on_several_shards"
        case .movedOn: "moved_on"
        }
    }
}
