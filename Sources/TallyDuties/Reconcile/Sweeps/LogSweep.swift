import TallyCore

/// S0: whether the log reaches the ledger without a hole, and says what the ledger says.
extension ReconcilePass {
    /// Entries that are missing between the ledger and what the log still has.
    private struct Hole: Hashable {
        var after: LogPosition
        var upTo: LogPosition
    }

    /// False: the halves do not belong together, and nothing may be compared. True: the queue takes repairs of this
    /// run alone from now on; another ledger's queue is never told so.
    mutating func checkPairing() async throws -> Bool {
        do {
            if let pairing = Pairing(queue.store, ledger) {
                if options.adoptsQueue { try await adopt(pairing) }
                try await pairing.check(isDry: options.mode == .dry)
            }
            if let token = RepairFence.token { try await queue.fencing?.fence(token) }
            return true
        } catch let refused as PairingRefused {
            run.error = "\(refused)"
            let isOther = refused.reason == .anotherLedger
            try await found(
                refused.drift, nil,
                queue: isOther ? "pairs with another ledger" : "epoch \(refused.identity.epoch)",
                ledger: isOther ? "not with this one" : "knows another queue, or a later history",
                detail: "ops/runbooks/\(refused.drift.rawValue).md"
            ) { false }
            return false
        }
    }

    /// A person said that the queue which the ledger knew is gone. What is taken from it is a finding that was
    /// mended: so the ledger keeps what this queue took the place of. It is recorded before and after: once the queue
    /// is adopted nothing else tells which one it replaced.
    private mutating func adopt(_ pairing: Pairing) async throws {
        var refusal: PairingRefused?
        do {
            try await pairing.check(isDry: true, isPatient: false)
        } catch let refused as PairingRefused {
            refusal = refused
        }
        let replaced = options.mode == .dry ? nil : refusal?.replaced
        if let replaced {
            let adopting = run.underWay("adopts this queue: \(replaced)")
            try await ledger.reconciliation.record(run: adopting)
        }
        do {
            try await pairing.check(isAdopting: true, isDry: options.mode == .dry)
        } catch let error where !(error is PairingRefused) {
            // The answer is lost, and this row may be all that tells.
            if let refusal, let replaced { note(refusal, "needs_operator", "perhaps adopted: \(replaced)") }
            throw error
        }
        guard let refusal, let replaced else { return }
        mended += 1
        note(refusal, "repaired", "adopted: \(replaced)")
        try await ledger.reconciliation.record(run: run.underWay())
    }

    private mutating func note(_ refusal: PairingRefused, _ outcome: String, _ detail: String) {
        run.note(
            ReconcileRun.Finding(
                code: refusal.drift.rawValue, job: nil, queueView: "epoch \(refusal.identity.epoch)",
                ledgerView: "knew another queue, or a later history", outcome: outcome,
                severity: refusal.drift.severity, detail: detail))
    }

    /// False: nothing more can be said while entries are missing, for the barrier cannot be passed.
    mutating func checkLog(_ mirror: Mirror) async throws -> Bool {
        guard let structures = queue.structures else { return true }
        guard try await checkEnd(structures, mirror) else { return false }
        try await checkOverlap()
        for _ in 0..<Limits.logHoles {
            guard let hole = try await hole(structures, mirror) else { return true }
            let survey = try await structures.survey()
            // The ledger reported more than it knows: it is an old dump. Otherwise somebody trimmed what was not
            // applied.
            let drift: Drift = survey.reported > hole.after ? .ledgerRestored : .logHasGap
            let kept = survey.firstKept.map(\.description) ?? "nothing"
            if drift == .ledgerRestored, options.mends(.ledgerRestored) {
                let waiting = try await setUnknownAside(survey.history.epoch)
                if waiting > 0 {
                    // Once the hole is closed nobody would set them aside.
                    run.inconclusive += waiting
                    run.error =
                        "changes are kept for \(waiting) jobs whose rows are held: end those transactions first"
                    return false
                }
            }
            let (ledger, runs) = (self.ledger.mirror, self.ledger.reconciliation)
            let closing = run.underWay("moves the cursor from \(hole.after) to \(hole.upTo)")
            let isMended = try await found(
                drift, nil, queue: "keeps \(kept) to \(survey.history.end), reported \(survey.reported)",
                ledger: "applied \(hole.after)", detail: "ops/runbooks/\(drift.rawValue).md"
            ) {
                // Once it is closed nothing else tells where it was.
                try await runs.record(run: closing)
                // What the entries said is told again by the comparison that follows, job by job.
                return try await ledger.apply(MirrorBatch(after: hole.after, upTo: hole.upTo))
            }
            if !isMended {
                run.error = "log entries after \(hole.after) are gone: nothing was compared"
                return false
            }
            try await runs.record(run: run.underWay())
        }
        return true
    }

    /// D16: a cursor beyond the end of the log, such as one that was moved by hand: the mirror would pass over all
    /// that is written until the log has come there. False: nothing more can be said.
    private mutating func checkEnd(_ structures: any QueueStructures, _ mirror: Mirror) async throws -> Bool {
        // The end is read behind the cursor, and never falls: a cursor that still lies beyond it was not moved by a
        // mirror.
        let cursor = try await self.cursor()
        let survey = try await structures.survey()
        let end = survey.history.end
        if cursor <= end { return true }
        // Back to before all that the log still has: what the ledger has applied of it changes nothing once more.
        let first = survey.firstKept ?? LogPosition(shard: shard, epoch: end.epoch, seq: end.seq + 1)
        let before = LogPosition(shard: shard, epoch: first.epoch, seq: first.seq - 1)
        let (ledger, runs) = (self.ledger.mirror, self.ledger.reconciliation)
        let moving = run.underWay("moves the cursor from \(cursor) to \(before)")
        let isMended = try await found(
            .logHasGap, nil, queue: "keeps \(survey.firstKept.map(\.description) ?? "nothing") to \(end)",
            ledger: "applied \(cursor), which was never written", detail: "ops/runbooks/D16.md"
        ) {
            defer { mirror.forget() }
            try await runs.record(run: moving)
            return try await ledger.apply(MirrorBatch(after: cursor, upTo: before))
        }
        if isMended {
            try await runs.record(run: run.underWay())
            return true
        }
        run.error = "the ledger stands at \(cursor), and the log ends at \(end): nothing was compared"
        return false
    }

    /// Looks twice: another mirror may just have applied and trimmed.
    private func hole(_ structures: any QueueStructures, _ mirror: Mirror) async throws -> Hole? {
        guard let first = try await lookForHole(structures, mirror) else { return nil }
        return try await lookForHole(structures, mirror) == first ? first : nil
    }

    private func lookForHole(_ structures: any QueueStructures, _ mirror: Mirror) async throws -> Hole? {
        let end = try await structures.survey().history.end
        var cursor = try await self.cursor()
        do {
            // No further than the end that was noted: under load the log never ends.
            while cursor < end, try await mirror.step() > 0 { cursor = try await self.cursor() }
        } catch let gap as LogGap {
            return Hole(
                after: gap.after,
                upTo: LogPosition(shard: shard, epoch: gap.found.epoch, seq: gap.found.seq - 1))
        }
        cursor = try await self.cursor()
        if cursor >= end || cursor.isStart { return nil }
        // The mirror found nothing to apply: either somebody else is at it, or there is nothing.
        if try await !queue.transitions.log(after: cursor, limit: 1).isEmpty { return nil }
        return try await self.cursor() == cursor ? Hole(after: cursor, upTo: end) : nil
    }

    /// D17: entries that the log still keeps and the ledger has applied must be events there.
    private mutating func checkOverlap() async throws {
        guard let repair = ledger.repair else { return }
        let cursor = try await self.cursor()
        let from = LogPosition(
            shard: shard, epoch: cursor.epoch, seq: max(0, cursor.seq - Int64(Limits.overlap)))
        let entries = try await queue.transitions.log(after: from, limit: Limits.overlap).filter {
            $0.position <= cursor
        }
        var steps: [LogStep] = []
        for entry in entries {
            for move in entry.moves.prefix(Limits.overlapMoves) where move.unreadable == nil {
                steps.append(LogStep(job: move.id, position: entry.position))
            }
        }
        let unknown = try await repair.unknownEvents(steps)
        guard let first = unknown.min(by: { $0.position < $1.position }) else { return }
        try await found(
            .logDiffers, first.job, queue: "entry \(first.position)", ledger: "applied \(cursor), without it",
            detail: "\(unknown.count) transitions; ops/runbooks/D17.md"
        ) { false }
    }

    // MARK: An old dump (D18)

    /// Rows that wait in the ledger and that the queue knows nothing about may have run and ended since the dump.
    /// None of them runs again unasked: they end as failed, where `--requeue-unknown` finds them.
    /// Answers how many were left, since changes are kept for their rows.
    private mutating func setUnknownAside(_ epoch: Int64) async throws -> Int {
        var after = JobID.zero
        var waiting = 0
        while true {
            let rows = try await ledger.reconciliation.active(after: after, limit: Limits.jobsPerCall)
            guard let last = rows.last else { return waiting }
            after = last.id
            let own = rows.filter { part.holds($0.queue) }
            if own.isEmpty { continue }
            let view = try await queue.inspection.inspect(own.map(\.id), bodies: .omitted)
            var unknown = own.filter { view.held[$0.id] == nil && view.ended[$0.id] == nil }
            if unknown.contains(where: \.hasHeldChanges) {
                let now = try await self.rows(unknown.map(\.id))
                unknown = unknown.compactMap { now[$0.id] }.filter { !$0.status.isTerminal }
            }
            waiting += unknown.count(where: \.hasHeldChanges)
            unknown.removeAll(where: \.hasHeldChanges)
            // The row of an id that is a job on two shards may wait for the one, and nobody knows of which.
            let twice = try await twice(unknown.map(\.id))
            for row in unknown where twice.contains(row.id) {
                let seen = QueueReading(view, row.id).text
                try await foundTwice(row.id, queue: seen, ledger: row.text, name: row.queue)
            }
            unknown.removeAll { twice.contains($0.id) }
            let made = try await mend(
                unknown.map { row in
                    QueueRepair(
                        id: row.id, epoch: epoch, expected: .absent,
                        action: .endBecause(.failed, version: row.version, error: Drift.historyLost),
                        code: Drift.ledgerRestored.rawValue)
                })
            for row in unknown {
                try await found(
                    .ledgerRestored, row.id, queue: QueueReading(view, row.id).text, ledger: row.text,
                    detail: Drift.historyLost
                ) { made[row.id] ?? false }
            }
        }
    }
}
