import TallyCore
import TallyPostgresClient

extension PostgresLedger {
    /// One statement and one moment; bodies and results come along, so the number of ids is for the caller to
    /// bound. An id that is given twice counts once, and without ids nothing is asked.
    public func jobs(_ ids: [JobID]) async throws(LedgerError) -> [JobID: JobSnapshot] {
        if ids.isEmpty { return [:] }
        return try await pool.run("jobs") { connection throws(LedgerError) in
            let rows = try connection.run(.jobs, Parameters([.ids(ids)]))
            var found = [JobID: JobSnapshot](minimumCapacity: rows.count)
            for row in 0..<rows.count {
                let job = try rows.snapshot(row)
                found[job.record.id] = job
            }
            return found
        }
    }

    /// By the places in the logs, shard by shard; steps that the ledger made first stand where they belong, a
    /// requeue at the beginning of its version and a cancellation at its end. Empty for an id that the ledger
    /// lacks; what the mirror has not applied yet is not there either.
    public func events(_ id: JobID) async throws(LedgerError) -> [JobEvent] {
        try await pool.run("events") { connection throws(LedgerError) in
            let rows = try connection.run(.events, Parameters([.id(id)]))
            var events: [JobEvent] = []
            for row in 0..<rows.count {
                events.append(
                    JobEvent(
                        job: id,
                        position: LogPosition(
                            shard: Shard(Int(rows.int(row, 10)!)), epoch: rows.int(row, 0)!,
                            seq: rows.int(row, 1)!),
                        at: rows.time(row, 2)!, verb: try rows.known(Verb.self, row, 3),
                        from: rows.text(row, 4) == nil ? nil : try rows.status(row, 4),
                        to: try rows.status(row, 5),
                        version: Int(rows.int(row, 6)!), attempts: rows.int(row, 7).map { Int($0) },
                        actor: rows.text(row, 8), error: rows.text(row, 9)))
            }
            return JobHistory(events).events
        }
    }

    /// Each page is a moment of its own, from 1 to `Limits.maxPage` rows; it ends early with the row whose
    /// body and result bring it to `Limits.rowsBytes`.
    ///
    /// - Throws: `.invalid` for a cursor that is none, or that belongs to another filter or order.
    public func list(_ query: JobQuery) async throws(LedgerError) -> JobPage {
        let after = try query.cursor.map { cursor throws(LedgerError) in
            try PageCursor(cursor, of: query).after
        }
        let limit = min(max(1, query.limit), Limits.maxPage)
        return try await pool.run("list") { connection throws(LedgerError) in
            var parameters = Parameters()
            parameters.text(query.queue?.text)
            parameters.text(query.type?.text)
            parameters.text(query.status?.rawValue)
            parameters.id(after)
            parameters.int(Int64(limit + 1))  // one more tells whether there is a next page
            parameters.int(Int64(Limits.rowsBytes))
            let rows = try connection.run(query.newestFirst ? .listNewest : .listOldest, parameters)
            var jobs: [JobSnapshot] = []
            for row in 0..<min(rows.count, limit) { jobs.append(try rows.snapshot(row)) }
            let isCut = rows.count > 0 && rows.int(0, Rows.snapshotColumns)! > Int64(jobs.count)
            let next =
                isCut ? jobs.last.map { PageCursor(after: $0.record.id, of: query).text } : nil
            return JobPage(jobs: jobs, next: next)
        }
    }

    /// Every worker that has reported and is not pruned yet, the one heard of last first, in one answer.
    /// Stopped and lost ones stay for `Limits.keepWorkers`.
    public func workers() async throws(LedgerError) -> [WorkerRow] {
        try await pool.run("workers") { connection throws(LedgerError) in
            let rows = try connection.run(.workers)
            var workers: [WorkerRow] = []
            for row in 0..<rows.count {
                var beat = WorkerBeat(
                    id: WorkerID(rows.text(row, 0)!), status: try rows.known(WorkerBeat.Status.self, row, 1),
                    queues: rows.texts(row, 4).map { QueueName($0) },
                    types: rows.texts(row, 3).map { JobType($0) },
                    running: rows.ids(row, 5), concurrency: Int(rows.int(row, 6)!),
                    startedAt: rows.time(row, 7)!,
                    host: rows.text(row, 8)!, pid: Int32(truncatingIfNeeded: rows.int(row, 9)!))
                beat.recordLayout = rows.int(row, 10).map { Int($0) }
                let unknown = zip(rows.texts(row, 11), rows.texts(row, 12))
                    .compactMap { type, count in Int(count).map { (type, $0) } }
                if !unknown.isEmpty { beat.unknown = Dictionary(unknown, uniquingKeysWith: { $1 }) }
                beat.vitals = rows.text(row, 13).flatMap { WorkerVitals(stored: $0) }
                workers.append(WorkerRow(beat: beat, lastSeen: rows.time(row, 2)!))
            }
            return workers
        }
    }

    /// At most `limit` rows, none where that is negative; `JobID.zero` begins. Each page is a moment of its
    /// own: a job that ends before its page is read is not on it.
    public func active(after id: JobID, limit: Int) async throws(LedgerError) -> [LedgerView] {
        try await views("active", .active, [.id(id), .int(Int64(max(0, limit)))])
    }

    /// One moment for all of them, ended rows included. An id that is given twice counts once, and without
    /// ids nothing is asked.
    public func views(_ ids: [JobID]) async throws(LedgerError) -> [JobID: LedgerView] {
        if ids.isEmpty { return [:] }
        let found = try await views("views", .views, [.ids(ids)])
        return Dictionary(found.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private func views(
        _ operation: String, _ statement: Statement, _ values: [LedgerValue]
    ) async throws(LedgerError) -> [LedgerView] {
        try await pool.run(operation) { connection throws(LedgerError) in
            let rows = try connection.run(statement, Parameters(values))
            var views: [LedgerView] = []
            views.reserveCapacity(rows.count)
            for row in 0..<rows.count { views.append(try rows.view(row)) }
            return views
        }
    }

    /// All of one moment. It counts the active rows, so it takes longer the more of these there are, however
    /// long history is; the other totals are kept in a row.
    public func balances() async throws(LedgerError) -> Balances {
        try await pool.run("balances") { connection throws(LedgerError) in
            let rows = try connection.run(.balances)
            func count(_ column: Int) -> Int { Int(rows.int(0, column) ?? 0) }
            return Balances(
                accepted: count(0), completed: count(1), failed: count(2), cancelled: count(3),
                purged: count(4),
                active: count(5), quarantined: count(6), outbox: count(7),
                outboxAge: .microseconds(Int64(count(8))))
        }
    }
}

extension PostgresLedger: LedgerLines {
    public func takeReasonLeftOut() -> LedgerError? { linesLeftOut.take() }

    public func lines(_ id: JobID) async throws(LedgerError) -> [AttemptLine] {
        try await pool.run("lines") { connection throws(LedgerError) in
            let rows = try connection.run(.lines, Parameters([.id(id), .int(Int64(Limits.jobLines))]))
            return (0..<rows.count).map { row in
                AttemptLine(
                    job: id, epoch: rows.int(row, 0)!, version: Int(rows.int(row, 1)!),
                    number: Int(rows.int(row, 2)!), at: rows.time(row, 3)!, text: rows.text(row, 4)!)
            }
        }
    }
}
