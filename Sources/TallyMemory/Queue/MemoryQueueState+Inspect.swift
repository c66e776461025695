import TallyCore

extension MemoryQueueState {
    func inspect(_ ids: [JobID], bodies: QueueView.Bodies, at now: Timestamp) -> QueueView {
        var view = QueueView(held: [:], ended: [:], history: history(at: now))
        for id in ids {
            if let job = jobs[id] {
                view.held[id] = job.snapshot()
                if bodies != .included { view.held[id]?.record.body = [] }
            }
            if let end = ended[id] { view.ended[id] = end }
        }
        return view
    }

    /// By queue name; a queue that holds nothing and is not paused does not show.
    func counts(at now: Timestamp) -> [QueueCounts] {
        var found: [QueueName: QueueCounts] = [:]
        for queue in paused { found[queue] = QueueCounts(queue: queue, isPaused: true) }
        for job in jobs.values {
            let queue = job.record.queue
            var row = found[queue] ?? QueueCounts(queue: queue)
            switch job.status {
            case .pending: row.pending += 1
            case .scheduled, .retrying:
                if let time = job.runAt, time <= now {
                    row.due += 1
                } else {
                    row.waiting += 1
                }
            case .processing:
                row.processing += 1
                if let lease = job.lease, lease.expiresAt <= now { row.expired += 1 }
            case .completed, .failed, .cancelled: break
            }
            found[queue] = row
        }
        return found.values.sorted { $0.queue < $1.queue }
    }

    /// In id order; the cursor is the last id of the page before.
    func scan(_ cursor: String, limit: Int) throws(QueueError) -> (ids: [JobID], next: String?) {
        guard let after = cursor.isEmpty ? JobID.zero : JobID(cursor) else {
            throw QueueError(.invalid, "scan", "cursor: not one that this queue gave out")
        }
        let rest = jobs.keys.filter { $0 > after }.sorted()
        let page = Array(rest.prefix(max(1, limit)))
        return (page, page.count < rest.count ? page.last?.description : nil)
    }

    /// Follows `repair` of the model: it happens only in the epoch that the reconciler read, and only while the job
    /// is still as it saw it.
    mutating func repair(_ repair: QueueRepair, at now: Timestamp) -> Bool {
        guard repair.epoch == epoch, isStill(repair.expected, repair.id) else { return false }
        guard let move = move(of: repair, at: now) else { return false }
        append(.repair, [move], at: now, actor: "reconciler:\(repair.code)")
        return true
    }

    /// nil where there is nothing to do: what structures can lack, they cannot lack here.
    private mutating func move(of repair: QueueRepair, at now: Timestamp) -> Move? {
        let held = jobs[repair.id]
        let end = ended[repair.id]
        func ending(_ status: JobStatus, _ version: Int, _ error: String?) -> Move {
            Move(id: repair.id, version: version, from: held?.status, to: status, error: error)
        }
        switch repair.action {
        case .push(let push):
            guard push.record.id == repair.id, (held?.version ?? 0) < push.version,
                (end?.version ?? 0) < push.version, push.record.layout <= recordLayout
            else { return nil }
            return insert(push, at: now)
        case .end(let status, let version):
            leave(repair.id, status, version: version)
            return ending(status, version, nil)
        case .endBecause(let status, let version, let error):
            leave(repair.id, status, version: version)
            return ending(status, version, error)
        case .logEnd: return end.map { Move(id: repair.id, version: $0.version, from: nil, to: $0.status) }
        case .logState(let withRecord):
            guard let held else { return nil }
            let waits = held.status == .scheduled || held.status == .retrying
            return Move(
                id: repair.id, version: held.version, from: held.status, to: held.status,
                record: withRecord ? held.record : nil, attempts: held.attempts, crashes: held.crashes,
                runAt: waits ? held.runAt : nil, error: held.error)
        case .wait(let time):
            guard let held, held.status != .processing else { return nil }
            let waits: JobStatus =
                held.status == .pending ? held.attempts > 0 ? .retrying : .scheduled : held.status
            unplace(held)
            makeWait(held, as: waits, until: time)
            return Move(id: repair.id, version: held.version, from: held.status, to: waits, runAt: time)
        case .rewrite, .restore, .failWithoutRecord, .reclaim, .promote: return nil
        }
    }

    private func isStill(_ expected: QueueRepair.Expected, _ id: JobID) -> Bool {
        switch expected {
        case .absent: jobs[id] == nil && ended[id] == nil
        case .ended(let status, let version):
            jobs[id] == nil && ended[id] == QueueView.Ended(status: status, version: version)
        case .held(let status, let version): jobs[id]?.status == status && jobs[id]?.version == version
        }
    }
}
