import TallyCore

/// All that a dashboard shows, as it was read at about one moment.
package struct DashReport: Sendable {
    /// When it was read, by this machine's clock.
    package let at: Timestamp
    /// Queues, totals and duties.
    package let stats: StatsReport
    /// nil without a ledger.
    package let workers: WorkersReport?
    /// The newest dead letters, at most `Limits.page`.
    package let failures: [JobSnapshot]
    /// What the reconciler found last and left, the worst first, at most `Limits.page`.
    package let findings: [LeftFinding]

    /// Why nothing of the ledger was read.
    package let ledgerAway: LedgerError?

    /// A line for each store that does not answer.
    package var troubles: [String] {
        let shards = stats.away.compactMap { shard in
            shard.away.map { "\(shard.part.name("redis")) was not read: \($0)" }
        }
        return shards + (ledgerAway.map { ["postgres was not read: \($0)"] } ?? [])
    }

    /// What was read.
    package init(
        at: Timestamp, stats: StatsReport, workers: WorkersReport? = nil, failures: [JobSnapshot] = [],
        findings: [LeftFinding] = [], ledgerAway: LedgerError? = nil
    ) {
        self.ledgerAway = ledgerAway
        self.at = at
        self.stats = stats
        self.workers = workers
        self.failures = failures
        self.findings = findings
    }
}

/// How many jobs a second came and ended between two reports.
package struct DashRates: Hashable, Sendable {
    /// Jobs that were accepted.
    package let accepted: Double
    /// Jobs that completed.
    package let completed: Double
    /// Jobs that failed; a requeue takes its job out again, which counts as none.
    package let failed: Double

    /// nil without a ledger, which counts them, and of two reports of one moment.
    package init?(from old: DashReport, to new: DashReport) {
        let seconds = (new.at - old.at).seconds
        guard seconds > 0, let before = old.stats.balances, let after = new.stats.balances else { return nil }
        func rate(_ more: Int) -> Double { Double(max(0, more)) / seconds }
        accepted = rate(after.accepted - before.accepted)
        completed = rate(after.completed - before.completed)
        failed = rate(after.failed - before.failed)
    }
}

extension Admin {
    /// Reads all that a dashboard shows, one after the other. A store that does not answer leaves what the other one
    /// says, and is told in the report.
    ///
    /// - Throws: what a store throws that another try would not mend; without a ledger what the only shard throws.
    package func dash() async throws -> DashReport {
        do {
            return try await dashOfAll()
        } catch let error as LedgerError where error.mayRetry {
            return DashReport(at: .now, stats: try await statsOfQueue(), ledgerAway: error)
        }
    }

    /// What is left to tell where the ledger does not answer, if only that the queue does not either.
    private func statsOfQueue() async throws -> StatsReport {
        do {
            return try await Admin(queue: queue, ledger: nil).stats()
        } catch let error as QueueError where error.mayRetry {
            let away = ShardStanding(part: queue.shards[0].part, history: nil, away: error)
            return StatsReport(
                queues: [], shards: [away], map: queue.map, balances: nil, lastFullRun: nil,
                lastFullAge: nil, duties: [])
        }
    }

    private func dashOfAll() async throws -> DashReport {
        let stats = try await stats()
        if let away = stats.ledgerAway { throw away }
        guard let ledger = halfWithRecord else { return DashReport(at: .now, stats: stats) }
        let failures = try await ledger.inspection.list(
            JobQuery(status: .failed, limit: Limits.page, newestFirst: true))
        var findings: [LeftFinding] = []
        if let repair = ledger.repair { findings = try await repair.findingsLeft(limit: Limits.page) }
        return DashReport(
            at: .now, stats: stats, workers: try await workers(), failures: failures.jobs, findings: findings)
    }
}
