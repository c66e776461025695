import TallyCore

/// What one question of a change of many jobs has found.
struct BulkPage<Job: Sendable>: Sendable {
    /// Those that are meant.
    let jobs: [Job]
    /// How many rows were looked at for them.
    let looked: Int
    /// Whether there is no page behind it.
    let isLast: Bool
}

extension BulkCourse {
    /// Looks at each job of each page once, and changes those that may be, a group at its turn. Once a change was
    /// tried, a store that refuses or does not answer ends it with what was done so far; so does whoever runs it,
    /// between two groups, or within one whose jobs are waited for.
    ///
    /// - Parameter most: how many are changed at a time.
    /// - Parameter next: the next page; what it throws ends the walk as well.
    /// - Parameter seen: hears of each job that is looked at.
    /// - Parameter refuse: why a job must be left as it is, also in a dry run; nil = it need not.
    /// - Parameter change: what became of a group.
    /// - Parameter turned: after each page of changes.
    /// - Parameter counted: what there is; asked behind it where jobs are changed.
    mutating func walk<Job: Sendable>(
        _ options: BulkOptions, atOnce most: Int,
        next: () async throws(LedgerError) -> BulkPage<Job>,
        seen: (Job) -> Void = { _ in }, refuse: (Job) -> String?,
        change: ([Job]) async throws -> BulkOutcome, turned: () async -> Void,
        counted: () async throws -> Counts
    ) async throws {
        // The first goes at once.
        var turn = options.pace.now()
        var (tried, looked, isLast) = (0, 0, false)
        while !isLast, !isOver {
            try Task.checkCancellation()
            if stops(options) { break }
            let page: BulkPage<Job>
            do throws(LedgerError) {
                page = try await next()
            } catch {
                // As long as nothing was tried there is nothing else to tell.
                if tried == 0 || error.code == .cancelled { throw error }
                stop = .failed("\(error)")
                break
            }
            isLast = page.isLast
            var rest = page.jobs[...]
            while !rest.isEmpty, !isOver {
                if options.goes, hasRoom(options.limit) {
                    try await options.pace.wait(until: turn)
                    if stops(options) { break }
                }
                let group = take(&rest, most: most, limit: options.limit, seen: seen, refuse: refuse)
                if group.isEmpty || !options.goes { continue }
                tried += group.count
                // Time that was lost is not caught up: the servers would get more at once than was allowed.
                turn = max(turn, options.pace.now()) + Duration.seconds(1) * group.count / options.rate
                do {
                    note(group.count, try await change(group))
                } catch {
                    if Self.isCancellation(error) { throw error }
                    fail(group.count, error)
                }
                options.progress(changed)
            }
            if options.goes { await turned() }
            looked += page.looked
            if !isLast, looked >= options.looked { isCut = true }
        }
        try await end(counted)
    }

    /// Whether the task of whoever runs it was cancelled, which is no failure of a store.
    private static func isCancellation(_ error: any Error) -> Bool {
        switch error {
        case let error as LedgerError: error.code == .cancelled
        case let error as QueueError: error.code == .cancelled
        default: error is CancellationError
        }
    }

    /// Counts what there is after it; a store that is away by now takes nothing from what is told,
    /// and nothing from what was done.
    private mutating func end(_ counted: () async throws -> Counts) async throws {
        if isDry {
            after = before
            return
        }
        do {
            after = try await counted()
        } catch {
            if Self.isCancellation(error) { throw error }
            uncounted = "\(error)"
        }
    }
}
