import TallyCore

/// S1 and S2: the queue's jobs against the ledger's rows that have not ended, and back.
extension ReconcilePass {
    private struct Look {
        var reading: QueueReading
        var row: LedgerView?
        var drift: Drift?
        var queueName: String

        /// Not moved since the other look. A job that the ledger lacks is drift wherever it stands.
        func isStill(_ other: Look) -> Bool { drift == .rowMissing || reading == other.reading }
    }
    private struct Looks {
        var epoch: Int64
        var jobs: [JobID: Look]
    }

    /// Nothing can be said of these: changes are kept for their rows. An epoch is opened without those that Redis
    /// does not hold, for nobody can lease them; the round is not full then.
    private mutating func leaveHeld(_ looks: [Look]) {
        for look in looks where look.row?.hasHeldChanges == true {
            if options.mode == .open, look.reading.held == nil { waiting += 1 } else { run.inconclusive += 1 }
        }
    }

    /// The rows of these jobs. Changes that are kept for some are brought to them first, as far as nobody holds them.
    func rows(_ ids: [JobID]) async throws -> [JobID: LedgerView] {
        let rows = try await onLedger { try await ledger.reconciliation.views(ids) }
        guard rows.values.contains(where: \.hasHeldChanges) else { return rows }
        return try await onLedger {
            let cursor = try await cursor()
            _ = try await ledger.mirror.apply(MirrorBatch(after: cursor, upTo: cursor))
            return try await ledger.reconciliation.views(ids)
        }
    }

    /// S2: non-terminal rows, in id order, once round from where the last round was cut off. A job that is newer
    /// than the run is left to the next one: a run beside steady enqueues would chase them for ever.
    mutating func sweepLedger() async throws {
        let first = options.since.map { JobID.firstOf($0) } ?? .zero
        var begin = first
        if case .ledger(let id) = resumed { begin = max(first, id) }
        let newest = try await onLedger {
            try await ledger.inspection.list(JobQuery(limit: 1, newestFirst: true)).jobs.first?.record.id
        }
        guard let newest else { return }
        try await sweepLedger(after: begin, upTo: newest)
        if begin > first { try await sweepLedger(after: first, upTo: begin) }
    }

    private mutating func sweepLedger(after begin: JobID, upTo end: JobID) async throws {
        var after = begin
        while true {
            try Task.checkCancellation()
            let from = after
            var rows = try await onLedger {
                try await ledger.reconciliation.active(after: from, limit: Limits.comparison)
            }
            let isFull = rows.count == Limits.comparison
            rows.removeAll { $0.id > end }
            guard let last = rows.last else { return }
            after = last.id
            rows.removeAll { !part.holds($0.queue) }
            run.scannedLedger += rows.count
            let ids = rows.map(\.id)
            seen.formUnion(ids)
            try await compare(ids)
            options.progress?("rows of the ledger", run.scannedLedger)
            if !isFull || last.id == end { return }
            try await keep(.ledger(after: after))
            try await rest(jobs: ids.count)
        }
    }

    /// S1: what the queue holds and S2 has not met.
    mutating func sweepQueue(from begin: String = "") async throws {
        var cursor = begin
        let first = options.since.map { JobID.firstOf($0) } ?? .zero
        var fresh: [JobID] = []
        while true {
            try Task.checkCancellation()
            let at = cursor
            let (ids, foreign, next) = try await scanRecords(at)
            try await checkFields(foreign)
            run.scannedQueue += ids.count
            for id in ids where id > first && seen.insert(id).inserted { fresh.append(id) }
            options.progress?("jobs of the queue", run.scannedQueue)
            var compared = 0
            if next == nil || fresh.count >= Limits.comparison {
                if !fresh.isEmpty { try await compare(fresh) }
                compared = fresh.count
                fresh = []
            }
            if let next, fresh.isEmpty { try await keep(.queue(next)) }
            try await rest(jobs: compared)
            guard let next else { return }
            cursor = next
        }
    }

    /// What of S1 the last round did not come to. S1 follows whole: Redis may have been another one then.
    mutating func resumeQueue() async throws {
        if case .queue(let cursor) = resumed { try await sweepQueue(from: cursor) }
    }

    /// S6: only these, after a rollback.
    mutating func sweepWindow(_ ids: [JobID]) async throws {
        for some in ids.pages(of: Limits.comparison) {
            try Task.checkCancellation()
            try await compare(some)
        }
        run.scannedLedger += ids.count
        run.wasCompared = true
    }

    mutating func compare(_ ids: [JobID]) async throws {
        guard let first = try await look(ids, remembering: true) else {
            run.inconclusive += ids.count
            return
        }
        leaveHeld(Array(first.jobs.values))
        let suspects = first.jobs.filter { $0.value.drift != nil && !claimed.contains($0.key) }.map(\.key)
        if suspects.isEmpty { return }
        // The second look: a job may have moved between the two reads.
        guard let second = try await look(suspects, remembering: false) else {
            run.inconclusive += suspects.count
            return
        }
        leaveHeld(Array(second.jobs.values))
        let confirmed = suspects.filter { id in
            guard let once = first.jobs[id], let again = second.jobs[id] else { return false }
            return again.drift != nil && again.drift == once.drift && again.isStill(once)
        }
        let pages = confirmed.sorted().pages(of: Limits.jobsPerCall, bytes: Limits.rowsBytes) {
            second.jobs[$0]?.row?.bodyBytes ?? 0
        }
        for some in pages { try await take(some, second) }
    }

    /// What was repaired is compared again, and repaired again where it still differs: a run by hand says that
    /// nothing differs where it has seen so, never where it has only asked for it. What differs in the end is left.
    /// Other runs go on by themselves: the next round looks, and so does an epoch before it opens.
    mutating func compareRepaired() async throws {
        let given = options.codes
        for round in 1...Limits.repairRounds where !repaired.isEmpty {
            let ids = repaired.sorted()
            repaired = []
            claimed.subtract(ids)
            if round == Limits.repairRounds { options.codes = [] }
            for some in ids.pages(of: Limits.comparison) {
                try Task.checkCancellation()
                try await compare(some)
            }
        }
        options.codes = given
    }

    /// Notes these, and mends them where that is allowed.
    private mutating func take(_ confirmed: [JobID], _ looks: Looks) async throws {
        var second = looks
        // A row of a queue of another shard has shown by itself.
        let own = confirmed.filter { looks.jobs[$0]?.row.map { part.holds($0.queue) } ?? false }
        for id in try await twice(own) { second.jobs[id]?.drift = .idTwice }
        let jobs = try await onLedger { try await ledger.inspection.jobs(confirmed) }
        let effects = try await onLedger { try await ledger.reconciliation.effects(confirmed) }
        try await keepResults(effects.filter { second.jobs[$0]?.drift.map(options.mends) ?? false })
        var repairs: [QueueRepair] = []
        for id in confirmed {
            guard let look = second.jobs[id], let drift = look.drift,
                let action = Remedies.action(
                    drift, id, look.reading, look.row, jobs[id], hasEffect: effects.contains(id))
            else { continue }
            repairs.append(
                QueueRepair(
                    id: id, epoch: second.epoch, expected: look.reading.expected, action: action,
                    code: drift.rawValue))
        }
        let made = try await mend(repairs)
        for id in confirmed {
            guard let look = second.jobs[id], let drift = look.drift else { continue }
            let name = look.queueName.isEmpty ? jobs[id]?.record.queue.text ?? "" : look.queueName
            try await found(
                drift, id, queue: look.reading.text, ledger: look.row?.text ?? "absent", name: name,
                detail: Self.detail(drift, look, hasEffect: effects.contains(id))
            ) {
                made[id] ?? false
            }
        }
    }

    private static func detail(_ drift: Drift, _ look: Look, hasEffect: Bool) -> String {
        if drift == .idTwice { return twiceDetail(look.row?.queue) }
        return hasEffect ? "its effect is committed: it ends as completed" : ""
    }

    /// As many of the repairs as are allowed. After a lost reply the next pass meets what was made.
    mutating func mend(_ repairs: [QueueRepair]) async throws -> [JobID: Bool] {
        let allowed = repairs.filter { Drift(rawValue: $0.code).map(options.mends) ?? false }
            .prefix(max(0, mostRepairs - mended))
        var made: [JobID: Bool] = [:]
        let calls = allowed.pages(of: Limits.sweepPerCall, bytes: Limits.bodyBytesPerCall, \.bodyBytes)
        for some in calls {
            try lease?.check()
            for (repair, isMade) in zip(some, try await make(some)) { made[repair.id] = isMade }
        }
        return made
    }

    /// One call; one by one where it is refused for what one of them brings, so that the others are made.
    private mutating func make(_ repairs: [QueueRepair]) async throws -> [Bool] {
        let store = queue.repair
        switch await Result.of({ () throws(QueueError) in try await store.repair(repairs) }) {
        case .success(let made): return made
        case .failure(let error) where !error.isOfThisCall: throw error
        case .failure where repairs.count == 1:
            refused.insert(repairs[0].id)
            return [false]
        case .failure:
            var made: [Bool] = []
            for repair in repairs { made += try await make([repair]) }
            return made
        }
    }

    /// Queue, barrier, ledger: in this order. nil when the barrier was not passed in time, or a new epoch began.
    private mutating func look(_ ids: [JobID], remembering: Bool) async throws -> Looks? {
        // Rounds that go by themselves do not carry every active body over the wire, again and again: a worker checks
        // what it leases, and a run by hand checks all.
        let bodies: QueueView.Bodies = options.mode == .dry || options.mode == .repair ? .checked : .omitted
        var views: [(ids: [JobID], view: QueueView)] = []
        for some in ids.pages(of: Limits.jobsPerCall) {
            views.append(
                (some, try await onQueue { try await queue.inspection.inspect(some, bodies: bodies) }))
        }
        guard let history = views.last?.view.history else { return Looks(epoch: 0, jobs: [:]) }
        // One that began meanwhile: whoever opens it compares it.
        if options.mode == .serve, history.isHeld { throw EpochHeld() }
        guard views.allSatisfy({ $0.view.history.epoch == history.epoch }),
            try await barrier.pass(history.end)
        else { return nil }
        let rows = try await self.rows(ids)
        var jobs: [JobID: Look] = [:]
        for (some, view) in views {
            for id in some {
                let reading = QueueReading(view, id)
                if let row = rows[id], !part.holds(row.queue), reading.held == nil { continue }
                if remembering, let held = reading.held { standing[id] = held }
                jobs[id] = Look(
                    reading: reading, row: rows[id],
                    drift: misplaced(view, id, rows[id])
                        ?? Comparison.drift(reading, rows[id], epoch: history.epoch),
                    queueName: view.held[id]?.record.queue.text ?? "")
            }
        }
        return Looks(epoch: history.epoch, jobs: jobs)
    }

    /// Held here, though its queue lives on another shard, so that no worker asks for it here; or though the row of
    /// its id is of a queue of another shard, so that this row says nothing of the job here.
    private func misplaced(_ view: QueueView, _ id: JobID, _ row: LedgerView?) -> Drift? {
        if let job = view.held[id], !part.holds(job.record.queue) { return .onWrongShard }
        if let row, !part.holds(row.queue) { return .idTwice }
        return nil
    }

    /// Those of these jobs of which the log of another shard has told too: what their rows say may be of the job
    /// there, so nothing is mended by it here.
    func twice(_ ids: [JobID]) async throws -> Set<JobID> {
        guard !part.isWhole, !ids.isEmpty, let repair = ledger.repair else { return [] }
        return try await onLedger { try await repair.told(of: ids, elsewhereThan: shard) }
    }

    /// Before their jobs end, as their own acks would have ended them.
    private func keepResults(_ ids: Set<JobID>) async throws {
        guard !ids.isEmpty, let repair = ledger.repair else { return }
        // Each may be as large as a result may be.
        for some in ids.pages(of: Limits.rowsBytes / Limits.resultBytes) {
            try await onLedger { try await repair.keepResults(some) }
        }
    }

    /// Whether nothing differs for this job now; nil = that cannot be said.
    mutating func agrees(_ id: JobID) async throws -> Bool? {
        guard let looks = try await look([id], remembering: false), let look = looks.jobs[id] else {
            return nil
        }
        if look.row?.hasHeldChanges == true { return nil }
        return look.row != nil && look.drift == nil
    }
}

extension JobID {
    /// Below every id of that moment or later.
    static func firstOf(_ moment: Timestamp) -> JobID {
        JobID(high: UInt64(max(0, moment.microseconds / 1000)) << 16, low: 0)
    }
}
