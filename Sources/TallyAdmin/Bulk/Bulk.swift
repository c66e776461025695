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

/// What a change of many jobs did, or would do.
package struct BulkReport: Sendable {
    /// So many jobs of one queue and type.
    package struct Kind: Hashable, Sendable {
        /// Their queue.
        package let queue: QueueName
        /// Their type.
        package let type: JobType
        /// How many matched.
        package var count: Int
    }
    /// Whether anything was to be changed.
    package let isDry: Bool
    /// How many there were before, matching or not.
    package var before = 0
    /// How many there are after it; of a dry run the same.
    package var after = 0
    /// How many matched.
    package var matched = 0
    /// How many were changed.
    package var changed = 0
    /// How many of them were not, by the reason.
    package private(set) var refused: [String: Int] = [:]
    /// All of these.
    private var left = 0
    /// What matched, the most first.
    package var kinds: [Kind] = []
    /// There may be more that match: the limit was reached, or as many rows were looked at as one call looks at.
    package var isCut = false

    /// Nothing has matched yet.
    init(isDry: Bool) { self.isDry = isDry }

    /// What of the rest may be changed now, up to `most` jobs. What is refused takes no other's place among the
    /// `limit`, or it would stand before all others for ever.
    mutating func take(
        _ rest: inout ArraySlice<JobSnapshot>, most: Int, limit: Int, refuse: (JobSnapshot) -> String?
    ) -> [JobSnapshot] {
        var group: [JobSnapshot] = []
        while group.count < most, let job = rest.first {
            if matched - left >= limit {
                // Where some of the group are left as they are there is room again.
                isCut = group.isEmpty
                break
            }
            rest.removeFirst()
            count(job)
            if let why = refuse(job) {
                leave(why)
            } else {
                group.append(job)
            }
        }
        return group
    }

    /// Notes what became of a group: why some were left as they are.
    mutating func note(_ group: [JobSnapshot], _ refusals: [JobID: String]) {
        for why in refusals.values { leave(why) }
        changed += group.count - refusals.count
    }

    private mutating func leave(_ why: String) {
        refused[why, default: 0] += 1
        left += 1
    }

    private mutating func count(_ job: JobSnapshot) {
        matched += 1
        if let at = kinds.firstIndex(where: { $0.queue == job.record.queue && $0.type == job.record.type }) {
            kinds[at].count += 1
        } else if kinds.count < Limits.bulkKinds {
            kinds.append(Kind(queue: job.record.queue, type: job.record.type, count: 1))
        }
    }

    /// `dry_run`, `before`, `after`, `matched`, `changed`, `refused`, `kinds`, `more`.
    package var json: [String: Any] {
        [
            "dry_run": isDry, "before": before, "after": after, "matched": matched, "changed": changed,
            "refused": refused, "more": isCut,
            "kinds": kinds.map {
                ["queue": $0.queue.text, "type": $0.type.text, "count": $0.count] as [String: Any]
            },
        ]
    }
}

extension Admin {
    /// Walks the jobs that stand so and match, the oldest first, each once, and changes each at its turn.
    ///
    /// - Parameter most: how many are changed at a time.
    /// - Parameter counted: how many there are, matching or not; asked before, and after it where jobs are changed.
    /// - Parameter refuse: why a job must be left as it is, also in a dry run; nil = it need not.
    /// - Parameter change: which of a group were left as they are, and why.
    /// - Parameter turned: after each page of changes.
    func bulk(
        _ statuses: [JobStatus], matching filter: JobFilter, _ options: BulkOptions, atOnce most: Int = 1,
        counted: () async throws -> Int, refuse: (JobSnapshot) -> String? = { _ in nil },
        change: ([JobSnapshot]) async throws -> [JobID: String], turned: () async -> Void = {}
    ) async throws -> BulkReport {
        let ledger = try ledger()
        var report = BulkReport(isDry: !options.goes)
        report.before = try await counted()
        let now = try await ledger.recording.clock()
        var (turn, looked) = (options.pace.now(), 0)
        for status in statuses where !report.isCut {
            var query = JobQuery(
                queue: filter.queue, status: status, type: filter.type, limit: Limits.bulkPage)
            repeat {
                try Task.checkCancellation()
                let page = try await ledger.inspection.list(query)
                var rest = page.jobs.filter { filter.matches($0, now: now) }[...]
                while !rest.isEmpty, !report.isCut {
                    let group = report.take(&rest, most: most, limit: options.limit, refuse: refuse)
                    if group.isEmpty || !options.goes { continue }
                    try await options.pace.wait(until: turn)
                    turn = options.pace.now() + Duration.seconds(1) * group.count / options.rate
                    report.note(group, try await change(group))
                    options.progress(report.changed)
                }
                if options.goes { await turned() }
                looked += page.jobs.count
                query.cursor = page.next
                if page.next != nil, looked >= options.looked { report.isCut = true }
            } while query.cursor != nil && !report.isCut
        }
        report.kinds.sort { $0.count > $1.count }
        report.after = options.goes ? try await counted() : report.before
        return report
    }

    /// Requeues every dead letter that matches, in the ledger first; a crash in between leaves the rest as they were.
    ///
    /// - Parameter wish: how each is requeued; its own id and queue count for nothing.
    package func requeueAll(
        matching filter: JobFilter, _ wish: RequeueWish, _ options: BulkOptions
    ) async throws -> BulkReport {
        let ledger = try ledger()
        var touched: [QueueName: Int] = [:]
        return try await bulk(
            [.failed], matching: filter, options,
            counted: { try await ledger.inspection.balances().failed },
            change: { group in
                var refusals: [JobID: String] = [:]
                for job in group {
                    var own = wish
                    own.id = job.record.id
                    own.queue = nil
                    switch try await requeue(own, isPushed: false) {
                    case .requeued: touched[job.record.queue, default: 0] += 1
                    case .refused(let why): refusals[own.id] = why.word
                    }
                }
                return refusals
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
                let seen = group.map { ($0.record.id, $0.version) }
                let gone = try await purging.purge(
                    Dictionary(seen) { first, _ in first }, before: time, actor: actor)
                let kept = group.map(\.record.id).filter { !gone.contains($0) }
                return Dictionary(kept.map { ($0, "moved_on") }) { first, _ in first }
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
        return try await bulk(
            [.scheduled, .pending, .retrying], matching: filter, options,
            atOnce: min(Limits.sweepPerCall, options.rate), counted: { try await waiting(in: queue) },
            change: { group in
                let outcomes = try await canceller.cancelWaiting(group.map(\.record.id), of: queue)
                return outcomes.compactMapValues(\.refusal)
            })
    }

    private func waiting(in queue: QueueName) async throws -> Int {
        let counts = try await self.queue.shard(of: queue).inspectable().counts()
        return counts.first { $0.queue == queue }.map { $0.pending + $0.waiting + $0.due } ?? 0
    }
}

extension WaitingOutcome {
    /// Why it was not cancelled, in one word; nil = it was.
    fileprivate var refusal: String? {
        switch self {
        case .cancelled: nil
        case .running: "running"
        case .ended: "ended"
        case .notFound: "not_found"
        case .uncertain: "uncertain"
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
