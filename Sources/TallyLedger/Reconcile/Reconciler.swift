import TallyCore

/// Lays the halves together. Sweep S1 walks the queue's jobs, S2 the ledger's non-terminal rows; the cost follows the
/// active set, never history. Each suspicion passes the barrier twice, so a job that moves between two reads, or a
/// mirror that lags, is never called drift.
public struct Reconciler: Sendable {
    public enum Mode: String, Sendable { case dry, repair }

    private let queue: any InspectableQueue
    private let ledger: any LedgerDriver
    private let barrier: Barrier
    private let maxRepairs: Int

    public init(queue: any InspectableQueue, ledger: any LedgerDriver, mirror: Mirror, maxRepairs: Int = 1000)
    {
        self.queue = queue
        self.ledger = ledger
        self.maxRepairs = maxRepairs
        barrier = Barrier(ledger: ledger, mirror: mirror)
    }

    /// One full pass. The run and its findings are in the ledger when this returns.
    ///
    /// Exit code of the run: 0 clean, 1 repaired, 4 drift left, 8 could not complete or inconclusive.
    public func run(_ mode: Mode) async throws -> (run: ReconcileRun, statement: Statement) {
        let history = try await queue.history()
        var run = ReconcileRun(
            id: JobID(), startedAt: .now, finishedAt: .now, mode: mode.rawValue, epoch: history.epoch,
            seq: history.seq, scannedQueue: 0, scannedLedger: 0, inconclusive: 0, findings: [], exitCode: 0)
        var seen: Set<JobID> = []
        try await sweepLedger(&run, mode, &seen)
        try await sweepQueue(&run, mode, &seen)
        run.finishedAt = .now
        let left = run.findings.count { $0.outcome == "found" }
        run.exitCode = run.inconclusive > 0 ? 8 : left > 0 ? 4 : run.findings.isEmpty ? 0 : 1
        try await ledger.record(run: run)
        return (run, Statement(try await ledger.balances(), drift: left))
    }

    /// S2: non-terminal rows, in id order.
    private func sweepLedger(_ run: inout ReconcileRun, _ mode: Mode, _ seen: inout Set<JobID>) async throws {
        var after = JobID.zero
        while true {
            try Task.checkCancellation()
            let rows = try await ledger.active(after: after, limit: Limits.jobsPerCall)
            guard let last = rows.last else { return }
            after = last.id
            run.scannedLedger += rows.count
            let ids = rows.map(\.id)
            seen.formUnion(ids)
            try await compare(ids, &run, mode)
        }
    }

    /// S1: what the queue holds and S2 has not met.
    private func sweepQueue(_ run: inout ReconcileRun, _ mode: Mode, _ seen: inout Set<JobID>) async throws {
        var cursor = ""
        while true {
            try Task.checkCancellation()
            let (ids, next) = try await queue.scan(cursor, limit: Limits.jobsPerCall)
            run.scannedQueue += ids.count
            var fresh: [JobID] = []
            for id in ids where seen.insert(id).inserted { fresh.append(id) }
            if !fresh.isEmpty { try await compare(fresh, &run, mode) }
            guard let next else { return }
            cursor = next
        }
    }

    private func compare(_ ids: [JobID], _ run: inout ReconcileRun, _ mode: Mode) async throws {
        guard let first = try await look(ids) else {
            run.inconclusive += ids.count
            return
        }
        let suspects = first.filter { $0.value.drift != nil }.map(\.key)
        if suspects.isEmpty { return }
        // The second look: a job may have moved between the two reads.
        guard let second = try await look(suspects) else {
            run.inconclusive += suspects.count
            return
        }
        for id in suspects.sorted() {
            guard let found = second[id], let drift = found.drift, drift == first[id]?.drift else { continue }
            var outcome = "found"
            if mode == .repair, run.findings.count < maxRepairs,
                let made = try await repair(id, found, drift, second.epoch)
            {
                outcome = made ? "repaired" : "raced"
            }
            run.findings.append(
                ReconcileRun.Finding(
                    code: drift.rawValue, job: id, queueView: found.sight.text,
                    ledgerView: found.row.map { "\($0.status.rawValue) v\($0.version)" } ?? "absent",
                    outcome: outcome))
        }
    }

    private struct Look {
        var sight: QueueSight
        var row: LedgerView?
        var drift: Drift?
    }
    private struct Looks {
        var epoch: Int64
        var jobs: [JobID: Look]
        subscript(id: JobID) -> Look? { jobs[id] }
        func filter(_ keep: ((key: JobID, value: Look)) -> Bool) -> [JobID: Look] { jobs.filter(keep) }
    }

    /// Queue, barrier, ledger: in this order. nil when the barrier was not passed in time.
    private func look(_ ids: [JobID]) async throws -> Looks? {
        let view = try await queue.inspect(ids, at: nil)
        guard try await barrier.pass(view.history.end) else { return nil }
        let rows = try await ledger.views(ids)
        var jobs: [JobID: Look] = [:]
        for id in ids {
            let sight = QueueSight(view, id)
            jobs[id] = Look(
                sight: sight, row: rows[id],
                drift: Comparison.drift(sight, rows[id], epoch: view.history.epoch))
        }
        return Looks(epoch: view.history.epoch, jobs: jobs)
    }

    /// Each repair is one compare-and-set in the queue, and an event in the log. Redis wins for active jobs, the
    /// ledger for ended ones. False: something moved in between; nil: this drift needs a person.
    private func repair(_ id: JobID, _ look: Look, _ drift: Drift, _ epoch: Int64) async throws -> Bool? {
        let action: QueueRepair.Action
        switch drift {
        case .D01, .D04, .D07:
            guard let row = look.row, let job = try await ledger.jobs([id])[id], job.version == row.version,
                job.status == row.status
            else { return false }
            // A lost lease runs again under a new version, so that its old token stays refused.
            action = .push(
                Push(
                    job.record, version: row.version + (drift == .D04 ? 1 : 0), runAt: job.runAt,
                    attempts: job.attempts))
        case .D05:
            guard let row = look.row else { return false }
            action = .end(row.status, version: row.version)
        case .D06: action = .tellEnd
        case .D02, .D08: return nil
        }
        return try await queue.repair(
            QueueRepair(
                id: id, epoch: epoch, expected: look.sight.expected, action: action, code: drift.rawValue))
    }

    /// Opens an epoch that is held: compares and repairs until a pass finds nothing, then lets leasing go on.
    /// Answers the number of repairs; nil if the epoch was not held.
    public func openIfHeld() async throws -> Int? {
        let history = try await queue.history()
        guard history.isHeld else { return nil }
        var repairs = 0
        for _ in 0..<5 {
            let (run, _) = try await run(.repair)
            repairs += run.findings.count { $0.outcome == "repaired" }
            if run.exitCode == 0 {
                try await queue.open(epoch: history.epoch)
                return repairs
            }
        }
        return repairs
    }
}

/// The proof in one line: accepted = active + completed + failed + cancelled, and nothing differs.
public struct Statement: Hashable, Sendable, CustomStringConvertible {
    public var accepted: Int
    public var completed: Int
    public var failed: Int
    public var cancelled: Int
    public var active: Int
    public var drift: Int

    public init(_ balances: Balances, drift: Int) {
        accepted = balances.accepted - balances.purged
        completed = balances.completed
        failed = balances.failed
        cancelled = balances.cancelled
        active = balances.active
        self.drift = drift
    }
    /// Whether the sum holds and nothing differs.
    public var holds: Bool { drift == 0 && accepted == completed + failed + cancelled + active }
    public var description: String {
        "statement accepted=\(accepted) completed=\(completed) failed=\(failed) cancelled=\(cancelled) "
            + "active=\(active) drift=\(drift)"
    }
}
