import TallyCore

/// Which jobs of a listing are meant, beyond what the ledger itself filters by.
package struct JobFilter: Sendable {
    /// Only jobs of this queue; nil = of any.
    package var queue: QueueName?
    /// Only jobs of this type; nil = of any.
    package var type: JobType?
    /// Only those that failed, or, of others, were created, so long ago or longer.
    package var olderThan: Duration?
    /// Only those to which that happened so long ago or less.
    package var newerThan: Duration?
    /// Only those whose error holds this text, in whichever case its letters are.
    package var error: String?

    /// All jobs.
    package init(
        queue: QueueName? = nil, type: JobType? = nil, olderThan: Duration? = nil,
        newerThan: Duration? = nil, error: String? = nil
    ) {
        self.queue = queue
        self.type = type
        self.olderThan = olderThan
        self.newerThan = newerThan
        self.error = error
    }

    /// Whether the ledger's own filters are all there are.
    package var isOfLedger: Bool { olderThan == nil && newerThan == nil && error == nil }

    /// Whether a job of the ledger's answer is meant.
    ///
    /// - Parameter now: by the ledger's clock.
    package func matches(_ job: JobSnapshot, now: Timestamp) -> Bool {
        let age = now - (job.failedAt ?? job.record.createdAt)
        if let olderThan, age < olderThan { return false }
        if let newerThan, age > newerThan { return false }
        guard let error, !error.isEmpty else { return true }
        return job.error?.lowercased().contains(error.lowercased()) == true
    }
}

extension Admin {
    /// One page of the jobs that stand so and match. Fewer than the limit come, with the cursor behind them, where
    /// `Limits.filterPages` pages were looked through.
    ///
    /// - Throws: `LedgerError` with `.invalid` for a cursor of another list.
    package func list(_ query: JobQuery, matching filter: JobFilter) async throws -> JobPage {
        var query = query
        (query.queue, query.type) = (filter.queue, filter.type)
        if filter.isOfLedger { return try await list(query) }
        let ledger = try ledger()
        let now = try await ledger.recording.clock()
        let most = min(max(1, query.limit), Limits.maxPage)
        var found: [JobSnapshot] = []
        for _ in 0..<Limits.filterPages {
            // No more than are still wanted: the cursor then stands behind the last that is shown.
            query.limit = most - found.count
            let page = try await ledger.inspection.list(query)
            found += page.jobs.filter { filter.matches($0, now: now) }
            query.cursor = page.next
            if page.next == nil || found.count >= most { break }
        }
        return JobPage(jobs: found, next: query.cursor)
    }
}
