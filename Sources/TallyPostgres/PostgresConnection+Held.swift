import TallyCore

/// By how much a batch makes the totals more.
struct BatchCounts: Hashable {
    var accepted: Int64 = 0
    var completed: Int64 = 0
    var failed: Int64 = 0
    var cancelled: Int64 = 0

    init() {}
    /// Of rows that are new for certain.
    init(created: [JobSnapshot]) {
        accepted = Int64(created.count)
        for job in created {
            switch job.status {
            case .completed: completed += 1
            case .failed: failed += 1
            case .cancelled: cancelled += 1
            default: break
            }
        }
    }
    /// As a statement tells it, `accepted` where it stands first.
    init(_ rows: Rows, from column: Int, hasAccepted: Bool = true) {
        let ended = column + (hasAccepted ? 1 : 0)
        accepted = hasAccepted ? rows.int(0, column) ?? 0 : 0
        completed = rows.int(0, ended) ?? 0
        failed = rows.int(0, ended + 1) ?? 0
        cancelled = rows.int(0, ended + 2) ?? 0
    }

    static func += (sum: inout Self, more: Self) {
        sum.accepted += more.accepted
        sum.completed += more.completed
        sum.failed += more.failed
        sum.cancelled += more.cancelled
    }
}

/// Rows of jobs that somebody's open transaction holds. They are not waited for: what the mirror has for them is kept
/// in `held_changes`, in order, and brought to them once they are free.
extension PostgresConnection {
    func change(_ rows: [RowChange]) throws(LedgerError) -> BatchCounts {
        BatchCounts(try run(.change, BatchRows.parameters(of: rows)), from: 1, hasAccepted: false)
    }

    func count(_ counts: BatchCounts) throws(LedgerError) {
        if counts == BatchCounts() { return }
        let values = [counts.accepted, counts.completed, counts.failed, counts.cancelled]
        try run(.count, Parameters(values.map { .int($0) }))
    }

    /// Locks the rows of these jobs as far as nobody holds them. Answers whose are held.
    func lockRows(_ ids: [JobID]) throws(LedgerError) -> Set<JobID> {
        if ids.isEmpty { return [] }
        return idsOf(try run(.lockRows, Parameters([.ids(ids)])))
    }

    /// Keeps the changes of rows that are held now; answers the others, whose rows are locked.
    func holdThoseHeld(_ changes: [RowChange], _ aside: inout [Aside]) throws(LedgerError) -> [RowChange] {
        try hold(changes, of: try lockRows(changes.map(\.id)), &aside)
    }

    /// Keeps the changes of jobs for which others are kept: theirs come later.
    func holdBehindHeld(_ changes: [RowChange], _ aside: inout [Aside]) throws(LedgerError) -> [RowChange] {
        try hold(changes, of: try heldJobs(changes.map(\.id)), &aside)
    }

    /// Keeps what the batch creates where a row of the same id is there and held, or others are kept for it; answers
    /// the others. What it says of the job itself is in that row already.
    func holdThoseHeld(_ created: [JobSnapshot], _ aside: inout [Aside]) throws(LedgerError) -> [JobSnapshot]
    {
        let ids = created.map(\.record.id)
        let held = try lockRows(ids).union(try heldJobs(ids))
        if held.isEmpty { return created }
        let kept = created.filter { held.contains($0.record.id) }
        _ = try hold(kept.map { RowChange(CreatedRow($0)) }, of: held, &aside)
        return created.filter { !held.contains($0.record.id) }
    }

    private func heldJobs(_ ids: [JobID]) throws(LedgerError) -> Set<JobID> {
        if ids.isEmpty { return [] }
        return idsOf(try run(.heldJobs, Parameters([.ids(ids)])))
    }

    private func hold(
        _ changes: [RowChange], of held: Set<JobID>, _ aside: inout [Aside]
    ) throws(LedgerError) -> [RowChange] {
        if held.isEmpty { return changes }
        for page in Self.pages(changes.filter({ held.contains($0.id) })) {
            try halving(page[...], &aside, Aside.init) { rows throws(LedgerError) in
                try run(.holdChanges, BatchRows.parameters(of: rows))
            }
        }
        return changes.filter { !held.contains($0.id) }
    }

    /// Brings to the rows what is kept for them, as far as nobody holds them any more: of each job in order, and a
    /// bounded number in one transaction. What the server refuses is set aside. The rest waits for the next batch, or
    /// for the duty that frees keys.
    func applyHeld(_ aside: inout [Aside]) throws(LedgerError) -> BatchCounts {
        var counts = BatchCounts()
        let most = [Int64(Limits.heldRows), Int64(Limits.rowsBytes)].map { LedgerValue.int($0) }
        for _ in 0..<Limits.heldRounds {
            let rows = try run(.takeHeld, Parameters(most))
            var changes: [RowChange] = []
            for row in 0..<rows.count { changes.append(try rows.change(row)) }
            if changes.isEmpty { return counts }
            for page in Self.pages(changes) {
                try halving(page[...], &aside, Aside.init) { rows throws(LedgerError) in
                    counts += try change(rows)
                }
            }
        }
        return counts
    }

    /// A step of the duty that frees keys, in a transaction of its own: what is kept for rows that are free now, and
    /// for none.
    func bringHeld() throws(LedgerError) {
        try transaction { () throws(LedgerError) in
            try run(.settings)
            var aside: [Aside] = []
            let counts = try applyHeld(&aside)
            try run(.dropHeld, Parameters([.int(Int64(Limits.heldRows))]))
            // Whose log they came from is not kept: the job's queue tells.
            try quarantine(aside, shard: .first)
            try count(counts)
        }
    }

    private func idsOf(_ rows: Rows) -> Set<JobID> {
        Set((0..<rows.count).compactMap { rows.id($0, 0) })
    }
}

extension RowChange {
    /// What a created job says of a row that is there already, as mirror/upsert_jobs.sql would bring it.
    fileprivate init(_ created: CreatedRow) {
        let job = created.job
        self.init(
            id: job.record.id, position: LogPosition(epoch: job.epoch, seq: job.seq), version: job.version,
            status: job.status, at: created.updatedAt)
        startedAt = job.startedAt
        completedAt = created.completedAt
        scheduledAt = created.runAt
        workerID = job.workerID?.text
        attempts = job.attempts
        crashes = job.crashes
        error = job.error
        result = created.resultBody
        priority = job.record.priority
    }
}

extension Rows {
    /// As mirror/take_held.sql answers it.
    fileprivate func change(_ row: Int) throws(LedgerError) -> RowChange {
        let position = LogPosition(epoch: int(row, 1)!, seq: int(row, 3)!)
        var change = RowChange(
            id: id(row, 0)!, position: position, version: Int(int(row, 2)!), status: try status(row, 4),
            at: time(row, 5)!)
        change.startedAt = time(row, 6)
        change.completedAt = time(row, 7)
        change.scheduledAt = time(row, 8)
        change.workerID = text(row, 9)
        change.attempts = int(row, 10).map(Int.init)
        change.crashes = int(row, 11).map(Int.init)
        change.error = text(row, 12)
        change.result = bytes(row, 13)
        change.priority = int(row, 14).flatMap { JobPriority(rawValue: Int($0)) }
        return change
    }
}
