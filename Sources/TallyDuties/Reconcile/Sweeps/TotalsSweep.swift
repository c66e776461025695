import TallyCore

/// S4, and what stands beside the jobs: totals, workers, unique keys, quarantine.
extension ReconcilePass {
    /// D21: the queue's account adds up. A correction is by differences and noted, never a silent overwrite.
    mutating func checkTotals() async throws {
        guard let structures = queue.structures else { return }
        let survey = try await structures.survey()
        guard survey.missing != 0, try await structures.survey().missing == survey.missing else { return }
        try await found(
            .totalsDiffer, nil,
            queue: "held \(survey.held), by its account \(survey.held - survey.missing)",
            ledger: "not asked", detail: "the queue's account since its epoch began"
        ) { try await structures.correctSurvey(survey.missing) }
    }

    /// D22, D23.
    mutating func checkWorkers() async throws {
        guard let structures = queue.structures, let repair = ledger.repair else { return }
        let history = try await queue.transitions.history()
        guard try await barrier.pass(history.end) else {
            run.inconclusive += 1
            return
        }
        // A worker reports to each shard that its queues live on: the log of one of them says that it lives.
        let rows = try await ledger.inspection.workers().filter { row in
            part.isWhole || row.beat.queues.contains(where: part.holds)
        }
        var known: [WorkerID: WorkerRow] = [:]
        for row in rows { known[row.beat.id] = row }
        var words: [WorkerID: [UInt8]] = [:]
        var cursor: String? = ""
        while let at = cursor {
            let (page, next) = try await structures.roster(at, limit: Limits.rosterRead)
            for worker in page { words[worker.id] = worker.words }
            cursor = next
        }
        for row in rows where row.beat.status == .running || row.beat.status == .draining {
            if !row.isLost(asOf: history.now) { continue }
            let silent = history.now - row.lastSeen
            let id = row.beat.id
            let last = words[id]
            try await found(
                .workerSilent, nil, queue: "silent for \(silent.components.seconds) s",
                ledger: row.beat.status.rawValue,
                detail: id.text
            ) {
                guard
                    try await repair.loseWorker(id, lastSeen: row.lastSeen, actor: Self.actor(.workerSilent))
                else {
                    return false
                }
                if let last { _ = try await structures.forget(id, words: last) }
                return true
            }
        }
        for (id, said) in words where known[id] == nil {
            // A second look: it may have reported between the two reads.
            guard try await barrier.pass(queue.transitions.history().end),
                try await !ledger.inspection.workers().contains(where: { $0.beat.id == id })
            else { continue }
            try await found(.workerRowMissing, nil, queue: "reports", ledger: "absent", detail: id.text) {
                try await structures.tell(id, words: said)
            }
        }
    }

    /// D24, of the keys that the queue keeps.
    mutating func checkKeys() async throws {
        guard let structures = queue.structures else { return }
        var cursor: String? = ""
        while let at = cursor {
            let (keys, next) = try await structures.leakedKeys(at, limit: Limits.jobsPerCall)
            for key in keys {
                try await found(
                    .keyOutlivesJob, key.job, queue: "holds a unique key", ledger: "not asked",
                    name: key.queue,
                    detail: "in Redis"
                ) { try await structures.freeKey(key) }
            }
            cursor = next
        }
    }

    /// D19: what stands in quarantine is settled once its job is right without it; the sweeps before this have put
    /// right what they could. The rest needs a person.
    mutating func checkQuarantine() async throws {
        guard let repair = ledger.repair else { return }
        for row in try await ownQuarantine(repair) {
            // A worker's next heartbeat says more than the one set aside, and a job is right without what it logged.
            let isRight: Bool?
            if row.source == "beat" || row.source == "line" {
                isRight = true
            } else if row.job == .zero {
                isRight = false
            } else if row.source == "outbox", try await isFailed(row.job) {
                isRight = false  // it never ran: a person enqueues it anew, or lets it go
            } else {
                isRight = try await agrees(row.job)
            }
            guard let isRight else {
                run.inconclusive += 1
                continue
            }
            let outcome = "\(row.source) of \(row.position): \(row.reason.prefix(Limits.reasonCharacters))"
            if isRight {
                try await found(
                    .inQuarantine, row.job, queue: "agrees", ledger: "in quarantine", detail: outcome
                ) {
                    try await repair.settleQuarantine(row.id, actor: Self.actor(.inQuarantine))
                    return true
                }
            } else {
                run.note(
                    ReconcileRun.Finding(
                        code: Drift.inQuarantine.rawValue, job: row.job, queueView: "unknown",
                        ledgerView: "in quarantine",
                        outcome: "needs_operator", severity: Drift.inQuarantine.severity,
                        detail: outcome + "; ops/runbooks/D19.md"))
            }
        }
    }

    /// Of jobs of this shard, as many as a pass looks at, however many of other shards stand before them. The log
    /// that a row came from tells whose it is where nothing is known of its job.
    private func ownQuarantine(_ repair: any LedgerRepair) async throws -> [QuarantinedRow] {
        func page(after id: Int64) async throws -> [QuarantinedRow] {
            try await onLedger { try await repair.quarantined(after: id, limit: Limits.maxPage) }
        }
        if part.isWhole { return try await page(after: .min) }
        var own: [QuarantinedRow] = []
        var last = Int64.min
        while own.count < Limits.maxPage {
            try Task.checkCancellation()
            let rows = try await page(after: last)
            guard let end = rows.last else { break }
            last = end.id
            let known = try await onLedger {
                try await ledger.reconciliation.views(rows.map(\.job).filter { $0 != .zero })
            }
            own += rows.filter { row in
                known[row.job].map { part.holds($0.queue) } ?? (row.position.shard == shard)
            }
            // Those of other shards may be many, and each shard passes over them.
            try await rest(jobs: rows.count)
        }
        return Array(own.prefix(Limits.maxPage))
    }

    private func isFailed(_ id: JobID) async throws -> Bool {
        try await ledger.inspection.jobs([id])[id]?.status == .failed
    }
}
