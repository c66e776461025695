import TallyCore

/// What a replay did, or would do.
@dynamicMemberLookup
package struct ReplayReport: Sendable {
    /// What was counted of the jobs that are older than the replay; before and after it all that the condition means,
    /// by status, the new jobs among them where it means them too.
    package let course: BulkCourse<[JobStatus: Int]>
    /// The first that were enqueued anew.
    package var links: [ReplayLink] = []

    /// How many were enqueued anew.
    package var replayed: Int { course.changed }

    /// What every change of many jobs counts: `report.uncertain`, `report.held` and `report.stop` are those of its
    /// `BulkCourse`.
    package subscript<Value>(dynamicMember path: KeyPath<BulkCourse<[JobStatus: Int]>, Value>) -> Value {
        course[keyPath: path]
    }

    /// `dry_run`, `before` and `after` by status, `matched`, `ready`, `replayed`, `uncertain`, `refused`, `jobs`
    /// with `id` and `as`, `more`, and `stopped` where it ended early; `after` is left out where it is not known.
    package var json: [String: Any] {
        func counts(_ statuses: [JobStatus: Int]) -> [String: Int] {
            Dictionary(uniqueKeysWithValues: statuses.map { ($0.key.rawValue, $0.value) })
        }
        var object = course.json
        object["before"] = counts(course.before)
        object["after"] = course.after.map(counts)
        object["ready"] = course.ready
        object["replayed"] = replayed
        object["jobs"] = links.map {
            ["id": $0.origin.description, "as": $0.copy.description] as [String: Any]
        }
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
        let asked = ContinuousClock.now
        var course = BulkCourse(
            isDry: !options.goes, before: try await replaying.statuses(of: wish.condition))
        // What is enqueued from now on is no part of it, the new jobs least of all: it would have no end.
        let end = JobID(high: UInt64(max(0, now.microseconds / 1000)) << 16, low: 0)
        var (last, links, recorded) = (JobID.zero, [ReplayLink](), [QueueName: Int]())
        try await course.walk(
            options, atOnce: min(Limits.replayJobs, options.rate),
            next: { () async throws(LedgerError) -> BulkPage<ReplayCandidate> in
                let page = try await replaying.matching(
                    wish.condition, after: last, before: end, limit: Limits.bulkPage)
                last = page.last?.id ?? last
                return BulkPage(jobs: page, looked: page.count, isLast: page.count < Limits.bulkPage)
            },
            refuse: wish.refusal(of:),
            change: { group in
                let outcome = try await replay(wish, group, now + (ContinuousClock.now - asked), ledger)
                links += outcome.links.prefix(max(0, Limits.page - links.count))
                // A commit writes one row for each queue.
                for name in outcome.queues { recorded[name, default: 0] += 1 }
                return BulkOutcome(refusals: outcome.refused)
            },
            turned: {
                await relay(recorded, ledger)
                recorded.removeAll()
            },
            counted: { try await replaying.statuses(of: wish.condition) })
        return ReplayReport(course: course, links: links)
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
            outcome.refused[job.id] = why ?? "moved_on"
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
        /// Why some were not enqueued anew.
        var refused: [JobID: String] = [:]
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
                outcome.refused[job.id] = "moved_on"
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
                outcome.refused[job.id] = "no_longer_valid"
            }
        }
        if records.isEmpty { return outcome }
        let receipt = try await transactions.record(records, in: transaction)
        for (at, answer) in receipt.answers.enumerated() {
            if let why = Self.refusal(answer) {
                outcome.refused[origins[at]] = why
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
