import TallyCore

/// What a replay did, or would do.
package struct ReplayReport: Sendable {
    /// Whether anything was to be enqueued.
    package let isDry: Bool
    /// All that the condition means, by status, before anything was enqueued.
    package let before: [JobStatus: Int]
    /// The same afterwards: where the condition means the new jobs too, they are among it; nil where that could not
    /// be asked any more.
    package var after: [JobStatus: Int]?
    /// How many were looked at one by one: jobs that are older than the replay, until as many as the limit allows
    /// were enqueued anew.
    package var matched = 0
    /// How many may run anew.
    package var ready = 0
    /// How many were enqueued anew.
    package var replayed = 0
    /// How many were not, by the reason.
    package var refused: [String: Int] = [:]
    /// The first that were enqueued anew.
    package var links: [ReplayLink] = []
    /// There may be more: the limit was reached, or as many rows were looked at as one call looks at.
    package var isCut = false
    /// How many are enqueued anew or not: the ledger may have done it. They count among the limit.
    package private(set) var uncertain = 0
    /// Why it ended before its end; nil = it did not.
    package var stop: BulkStop?
    /// How many of those that seemed ready were not enqueued anew after all.
    private var left = 0

    init(isDry: Bool, before: [JobStatus: Int]) {
        self.isDry = isDry
        self.before = before
        after = before
    }

    /// Whether no further job is looked at.
    var isOver: Bool { isCut || stop != nil }

    func hasRoom(_ limit: Int) -> Bool { ready - left < limit }

    /// Whether whoever runs it wants no more of it.
    mutating func stops(_ options: BulkOptions) -> Bool {
        if options.goes, options.isStopped() { stop = .asked }
        return stop != nil
    }

    /// Notes of a group that the ledger failed in it: unless it may have done it, nothing happened to the group.
    mutating func fail(_ group: [ReplayCandidate], _ error: any Error) {
        if BulkReport.mayHaveHappened(error) { uncertain += group.count }
        stop = .failed("\(error)")
    }

    mutating func refuse(_ why: String) { refused[why, default: 0] += 1 }

    /// What of the rest may run anew now, up to `most` jobs. What is refused takes no other's place among the
    /// `limit`: what an earlier replay has enqueued would stand before all others for ever.
    mutating func take(
        _ rest: inout ArraySlice<ReplayCandidate>, most: Int, limit: Int,
        refusal: (ReplayCandidate) -> String?
    ) -> [ReplayCandidate] {
        var group: [ReplayCandidate] = []
        while group.count < most, let job = rest.first {
            if !hasRoom(limit) {
                // Where some of the group are left as they are there is room again.
                isCut = group.isEmpty
                break
            }
            rest.removeFirst()
            matched += 1
            if let why = refusal(job) {
                refuse(why)
            } else {
                ready += 1
                group.append(job)
            }
        }
        return group
    }

    /// `dry_run`, `before` and `after` by status, `matched`, `ready`, `replayed`, `uncertain`, `refused`, `jobs`
    /// with `id` and `as`, `more`, and `stopped` where it ended early; `after` is left out where it is not known.
    package var json: [String: Any] {
        func counts(_ statuses: [JobStatus: Int]) -> [String: Int] {
            Dictionary(uniqueKeysWithValues: statuses.map { ($0.key.rawValue, $0.value) })
        }
        var object: [String: Any] = [
            "dry_run": isDry, "before": counts(before), "matched": matched, "ready": ready,
            "replayed": replayed, "uncertain": uncertain, "refused": refused, "more": isCut,
            "jobs": links.map {
                ["id": $0.origin.description, "as": $0.copy.description] as [String: Any]
            },
        ]
        object["after"] = after.map(counts)
        object["stopped"] = stop?.text
        return object
    }
}

/// Which jobs run anew.
package struct ReplayWish: Sendable {
    /// What the ledger's driver takes as a condition.
    package var condition: String
    /// Also what has done its work: what completed, what has its effect committed, what was replayed before.
    package var isAgain = false
    /// Who asks, for the ledger.
    package var actor: String

    /// A wish for what has not done its work.
    package init(_ condition: String, actor: String) {
        self.condition = condition
        self.actor = actor
    }

    /// Why a job is left as it is, in one word; nil = it may run anew.
    package func refusal(of job: ReplayCandidate) -> String? {
        if !job.status.isTerminal { return "not_ended" }
        if !job.hasBody { return "body_not_kept" }
        if isAgain { return nil }
        if job.isReplayed { return "replayed_before" }
        if job.isEffectCommitted { return "effect_committed" }
        return job.status == .completed ? "completed" : nil
    }
}

extension Admin {
    /// Enqueues anew, each as a new job under a new id, what has ended and meets the condition; the old rows stay as
    /// they are. Each group is one transaction with the note of what ran as what: after a crash, or beside another
    /// replay, nothing is enqueued twice unasked.
    ///
    /// Once a group was tried, what a store throws ends it with what was done so far; so does whoever runs it,
    /// between two groups.
    ///
    /// - Throws: `LedgerError` with `.invalid` for a condition that cannot be used, `.unsupported` of a ledger that
    ///   takes none; what a store throws before anything was tried.
    package func replay(_ wish: ReplayWish, _ options: BulkOptions) async throws -> ReplayReport {
        let ledger = try ledger()
        guard let replaying = ledger.replaying, ledger.transactions != nil else {
            throw LedgerError(.unsupported, "replay", "this ledger finds no jobs by a condition")
        }
        let now = try await ledger.recording.clock()
        let (asked, began) = (ContinuousClock.now, options.pace.now())
        var report = ReplayReport(
            isDry: !options.goes, before: try await replaying.statuses(of: wish.condition))
        // What is enqueued from now on is no part of it, the new jobs least of all: it would have no end.
        let end = JobID(high: UInt64(max(0, now.microseconds / 1000)) << 16, low: 0)
        var (after, tried, isLast) = (JobID.zero, 0, false)
        while !isLast, !report.isOver {
            try Task.checkCancellation()
            if report.stops(options) { break }
            let page: [ReplayCandidate]
            do throws(LedgerError) {
                page = try await replaying.matching(
                    wish.condition, after: after, before: end, limit: Limits.bulkPage)
            } catch {
                // As long as nothing was tried there is nothing else to tell.
                if tried == 0 || error.code == .cancelled { throw error }
                report.stop = .failed("\(error)")
                break
            }
            isLast = page.count < Limits.bulkPage
            if let last = page.last { after = last.id }
            var (rest, recorded) = (page[...], [QueueName: Int]())
            while !rest.isEmpty, !report.isOver {
                // The first goes at once; each group has its place in time, however long the ones before it took.
                if options.goes, report.hasRoom(options.limit) {
                    try await options.pace.wait(until: began + Duration.seconds(1) * tried / options.rate)
                    if report.stops(options) { break }
                }
                let group = report.take(
                    &rest, most: min(Limits.replayJobs, options.rate), limit: options.limit,
                    refusal: wish.refusal(of:))
                if group.isEmpty || !options.goes { continue }
                tried += group.count
                do {
                    let outcome = try await replay(wish, group, now + (ContinuousClock.now - asked), ledger)
                    report.add(outcome)
                    // A commit writes one row for each queue.
                    for name in outcome.queues { recorded[name, default: 0] += 1 }
                } catch let error where !(error is CancellationError) {
                    report.fail(group, error)
                }
                options.progress(report.replayed)
            }
            await relay(recorded, ledger)
            if !isLast, report.matched >= options.looked { report.isCut = true }
        }
        if options.goes { await report.end { try await replaying.statuses(of: wish.condition) } }
        return report
    }

    /// One group, in one transaction.
    private func replay(
        _ wish: ReplayWish, _ group: [ReplayCandidate], _ now: Timestamp, _ ledger: LedgerStore
    ) async throws -> ReplayRun.Outcome {
        guard let replaying = ledger.replaying, let transactions = ledger.transactions else {
            return ReplayRun.Outcome()
        }
        let run = ReplayRun(
            wish: wish, jobs: try await ledger.inspection.jobs(group.map(\.id)), group: group, now: now)
        var outcome = try await transactions.transaction { transaction in
            try await run.outcome(replaying, transactions, in: transaction)
        }
        for job in outcome.unclaimed {
            // What was enqueued anew stands, also where nobody can say any more why others were not.
            let why = try? await Self.reason(of: job, wish, ledger, replaying)
            outcome.refused.append(why ?? "moved_on")
        }
        return outcome
    }

    /// Why a job that was ready was not to be had: it is another by now, another replay was first, or somebody holds
    /// its row.
    private static func reason(
        of job: ReplayCandidate, _ wish: ReplayWish, _ ledger: LedgerStore,
        _ replaying: any LedgerReplaying
    ) async throws -> String {
        guard try await ledger.inspection.jobs([job.id])[job.id]?.version == job.version else {
            return "moved_on"
        }
        if wish.isAgain { return BulkReport.locked }
        return try await replaying.lineage(of: job.id).contains { $0.origin == job.id }
            ? "replayed_before" : BulkReport.locked
    }
}

/// One group on its way.
private struct ReplayRun: Sendable {
    struct Outcome: Sendable {
        var links: [ReplayLink] = []
        var queues: Set<QueueName> = []
        var refused: [String] = []
        /// Those that were as they were seen, and could not be held.
        var unclaimed: [ReplayCandidate] = []
    }
    let wish: ReplayWish
    let jobs: [JobID: JobSnapshot]
    let group: [ReplayCandidate]
    /// By the ledger's clock, out of which the new ids come: none is taken for one that is older than the replay.
    let now: Timestamp

    func outcome(
        _ replaying: any LedgerReplaying, _ transactions: any LedgerTransactions,
        in transaction: any LedgerTransaction
    ) async throws -> Outcome {
        var outcome = Outcome()
        let claimed = try await replaying.claimReplays(
            group, despiteReplays: wish.isAgain, in: transaction)
        var (origins, records): ([JobID], [JobRecord]) = ([], [])
        for job in group {
            guard let found = jobs[job.id], found.version == job.version else {
                outcome.refused.append("moved_on")
                continue
            }
            if !claimed.contains(job.id) {
                outcome.unclaimed.append(job)
                continue
            }
            let record = copy(of: found.record)
            do throws(InvalidJob) {
                try record.check()
                origins.append(job.id)
                records.append(record)
            } catch {
                // Such as the end of its use, which has passed.
                outcome.refused.append("no_longer_valid")
            }
        }
        if records.isEmpty { return outcome }
        let receipt = try await transactions.record(records, in: transaction)
        for (at, answer) in receipt.answers.enumerated() {
            if let why = Self.refusal(answer) {
                outcome.refused.append(why)
            } else {
                outcome.links.append(ReplayLink(origin: origins[at], copy: records[at].id))
                outcome.queues.insert(records[at].queue)
            }
        }
        try await replaying.noteReplays(outcome.links, actor: wish.actor, in: transaction)
        return outcome
    }

    private func copy(of record: JobRecord) -> JobRecord {
        var copy = record
        copy.id = JobID(createdAt: now)
        copy.createdAt = now
        copy.runAt = nil
        copy.attempts = 0
        return copy
    }

    private static func refusal(_ answer: RecordReceipt.Answer) -> String? {
        switch answer {
        case .recorded: nil
        case .exists, .withheld: "exists"
        case .duplicate: "unique_key_taken"
        case .keysElsewhere: "unique_key_of_mode_queued"
        case .layoutNotRaised: "record_layout_not_raised"
        }
    }
}

extension ReplayReport {
    /// Counts what the condition means after it; a store that is away by now takes nothing from what is told.
    fileprivate mutating func end(_ counted: () async throws -> [JobStatus: Int]) async {
        after = nil
        do {
            after = try await counted()
        } catch {
            stop = stop ?? .failed("\(error)")
        }
    }

    fileprivate mutating func add(_ outcome: ReplayRun.Outcome) {
        replayed += outcome.links.count
        links += outcome.links.prefix(max(0, Limits.page - links.count))
        for why in outcome.refused { refuse(why) }
        left += outcome.refused.count
    }
}
