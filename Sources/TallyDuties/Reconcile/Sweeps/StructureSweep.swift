import TallyCore

/// S3: the structures inside the queue against the records, and the records against the structures.
extension ReconcilePass {
    private struct Met {
        var found: PlaceFound
        var kind: StructureWalk.Kind
        /// Of a list, where it is.
        var queue: QueueName?
        var priority: JobPriority = .normal
    }

    /// Walks every structure once: ids without a record, leases that ran out long ago, jobs that are long due.
    mutating func sweepStructures() async throws {
        guard let structures = queue.structures, options.since == nil else { return }
        var withoutRecord: [Met] = []
        var late: [Met] = []
        let limit = try await queue.transitions.history().now - Limits.overdue
        met = try await walk(structures) { met in
            if !met.found.hasBody {
                withoutRecord.append(met)
            } else if let time = met.found.time, time < limit {
                late.append(met)
            }
        }
        for some in withoutRecord.pages(of: Limits.jobsPerCall) { try await checkWithoutRecord(some) }
        for met in late { try await checkLate(met) }
    }

    /// Calls `each` for everything that stands in a structure.
    private func walk(
        _ structures: any QueueStructures, only wanted: Set<JobID>? = nil, _ each: (Met) -> Void
    ) async throws -> StructureWalk {
        var walked = StructureWalk()
        var all: [QueueStructure] = [.leases, .due]
        for name in try await structures.queueNames() {
            for priority in 0..<Limits.priorities {
                if let priority = JobPriority(rawValue: priority) {
                    all.append(.ready(name, priority))
                }
            }
        }
        for structure in all {
            var cursor: String? = ""
            while let at = cursor {
                try Task.checkCancellation()
                let (places, next) = try await onQueue {
                    try await structures.walk(structure, at, limit: Limits.structureRead)
                }
                for found in places where wanted?.contains(found.place.id) ?? true {
                    var met = Met(found: found, kind: .lease)
                    switch structure {
                    case .leases: break
                    case .due: met.kind = .due
                    case .ready(let name, let priority):
                        (met.kind, met.queue, met.priority) = (.ready, name, priority)
                    }
                    walked.meet(found.place, met.kind)
                    each(met)
                }
                cursor = next
                try await rest(jobs: places.count)
            }
        }
        return walked
    }

    // MARK: D09

    /// Elements of jobs that have ended stay in their lists until they are popped; only those of live jobs, and of
    /// jobs that nobody knows, are drift.
    private mutating func checkWithoutRecord(_ withoutRecord: [Met]) async throws {
        let ids = withoutRecord.map(\.found.place.id)
        let view = try await queue.inspection.inspect(ids, bodies: .omitted)
        guard try await barrier.pass(view.history.end) else {
            run.inconclusive += ids.count
            return
        }
        let twice = try await twice(ids)
        for entry in withoutRecord {
            let id = entry.found.place.id
            if view.held[id] != nil || view.damaged[id] != nil || view.ended[id] != nil { continue }
            if try await rows([id])[id]?.hasHeldChanges == true {
                run.inconclusive += 1
                continue
            }
            let job = try await ledger.inspection.jobs([id])[id]
            // Left of a copy that somebody took away (D37): to end it here would end the job on its own shard.
            if let name = job?.record.queue, !part.holds(name) { continue }
            guard
                let action = Self.action(
                    entry.found.place, entry.kind, job, entry.queue, entry.priority)
            else { continue }
            let seen = "\(entry.kind) v\(entry.found.place.version), no record"
            if let job, twice.contains(id) {
                // Its row may be of the other job: that one's record is not written here.
                try await foundTwice(id, queue: seen, ledger: job.text, name: job.record.queue)
                continue
            }
            let (queue, epoch) = (queue.repair, view.history.epoch)
            try await found(
                .recordMissing, id, queue: seen, ledger: job?.text ?? "absent",
                name: job?.record.queue.text ?? entry.queue?.text ?? ""
            ) {
                try await Self.repair(queue, id, .absent, action, .recordMissing, epoch)
            }
        }
    }

    /// nil: what is left of a job that has ended or moved on.
    private static func action(
        _ place: QueuePlace, _ kind: StructureWalk.Kind, _ job: JobSnapshot?, _ name: QueueName?,
        _ priority: JobPriority
    ) -> QueueRepair.Action? {
        guard var job else {
            return .failWithoutRecord(stub: Remedies.stub(place.id, name, priority), place: place)
        }
        if job.status.isTerminal || job.version != place.version || StructureWalk.kind(job.status) != kind {
            return nil
        }
        if kind != .due { job.runAt = nil }
        return .restore(job, place: place)
    }

    // MARK: D14, D20

    /// Nobody sweeps: no worker reserves and no `tally serve` runs, or they cannot.
    private mutating func checkLate(_ met: Met) async throws {
        let place = met.found.place
        let view = try await queue.inspection.inspect([place.id], bodies: .omitted)
        guard let job = view.held[place.id], job.version == place.version,
            StructureWalk.kind(job.status) == met.kind
        else { return }
        let isLease = met.kind == .lease
        let time = met.found.time.map(\.description) ?? ""
        let (queue, epoch) = (queue.repair, view.history.epoch)
        try await found(
            isLease ? .leaseOverdue : .wrongTime, place.id,
            queue: "\(job.status.rawValue) v\(job.version) since \(time)",
            ledger: "not asked", name: job.record.queue.text, detail: "nobody sweeps: does `tally serve` run?"
        ) {
            try await Self.repair(
                queue, place.id, .held(job.status, version: job.version), isLease ? .reclaim : .promote,
                isLease ? .leaseOverdue : .wrongTime, epoch)
        }
    }

    // MARK: D10, D11, D12

    /// Jobs that the comparison met, against the places that the walk met. A job that moved meanwhile seems out of
    /// place, so suspects are walked for once more; one that is suspect still is checked in one step.
    mutating func checkPlaces() async throws {
        guard let structures = queue.structures, options.since == nil else { return }
        defer { standing = [:] }
        func strangers(_ walk: StructureWalk, _ ids: some Sequence<JobID>) -> Set<JobID> {
            Set(
                ids.filter { id in
                    standing[id].map { !walk.fits(id, $0.status, $0.version) } ?? false
                        && !claimed.contains(id)
                })
        }
        var suspects = strangers(met, standing.keys)
        if suspects.isEmpty { return }
        // Seen twice: only a job that has neither moved nor been met in its place by either walk.
        let again = try await walk(structures, only: suspects) { _ in }
        suspects = strangers(again, suspects)
        // A few a call: each is looked for through the whole of its list.
        for some in suspects.sorted().pages(of: Limits.placesPerCall) {
            try Task.checkCancellation()
            try await checkPlaces(of: some, again, structures)
            try await rest(jobs: some.count)
        }
    }

    /// Of a run by hand, once `compareRepaired` has told how they stand: whether those that were repaired stand where
    /// they belong. A record that was brought back meets what its lists had kept of it.
    mutating func checkRepairedPlaces() async throws {
        guard let structures = queue.structures, options.since == nil, !standing.isEmpty else { return }
        met = try await walk(structures, only: Set(standing.keys)) { _ in }
        try await checkPlaces()
    }

    private mutating func checkPlaces(
        of ids: [JobID], _ walk: StructureWalk, _ structures: any QueueStructures
    ) async throws {
        let epoch = try await queue.transitions.history().epoch
        let asked = ids.compactMap { id in
            standing[id].map { seen in
                (
                    place: walk.place(id, seen.version),
                    seen: PlaceVerdict(code: nil, status: seen.status, version: seen.version)
                )
            }
        }
        let verdicts = try await onQueue { try await structures.check(asked, epoch: epoch) }
        let wrong = asked.filter { verdicts[$0.place.id]?.code != nil }.map(\.place)
        if wrong.isEmpty { return }
        let rows = try await rows(wrong.map(\.id))
        let twice = try await twice(wrong.map(\.id))
        for place in wrong {
            guard let verdict = verdicts[place.id] else { continue }
            if twice.contains(place.id), verdict.code == Drift.inNoStructure.rawValue {
                // Only the row could tell a lost lease from a job that waits. The other places Redis knows alone.
                let (seen, row) = ("\(verdict.status.rawValue) v\(verdict.version), nowhere", rows[place.id])
                try await foundTwice(place.id, queue: seen, ledger: row?.text ?? "absent", name: row?.queue)
                continue
            }
            try await take(place, verdict, rows[place.id], epoch, structures)
        }
    }

    /// Notes one that stands elsewhere, and mends it where that is allowed.
    private mutating func take(
        _ place: QueuePlace, _ verdict: PlaceVerdict, _ row: LedgerView?, _ epoch: Int64,
        _ structures: any QueueStructures
    ) async throws {
        guard let code = verdict.code, let drift = Drift(rawValue: code) else { return }
        if row?.hasHeldChanges == true {
            run.inconclusive += 1
            return
        }
        let job = try await onLedger { try await ledger.inspection.jobs([place.id])[place.id] }
        let repair = queue.repair
        try await found(
            drift, place.id, queue: "\(verdict.status.rawValue) v\(verdict.version)",
            ledger: row?.text ?? "absent",
            name: job?.record.queue.text ?? ""
        ) {
            // A lease without its token looks like a job that was never leased. Its token may still be out: only a
            // higher version keeps it refused.
            if drift == .inNoStructure, let job, job.version > verdict.version, !job.status.isTerminal {
                return try await Self.repair(
                    repair, place.id, .held(verdict.status, version: verdict.version),
                    .push(Push(job.record, version: job.version, runAt: nil, attempts: job.attempts)),
                    .inNoStructure,
                    epoch)
            }
            return try await structures.mend(place, verdict, epoch: epoch)
        }
    }
}
