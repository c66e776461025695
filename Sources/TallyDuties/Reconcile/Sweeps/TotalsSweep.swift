import TallyCore

/// S4, and what stands beside the jobs: totals, workers, unique keys, quarantine.
extension ReconcilePass {
    /// D21: each half's own account adds up. A correction is by differences and noted, never a silent overwrite.
    mutating func checkTotals() async throws {
        if let structures = queue.structures {
            let survey = try await structures.survey()
            if survey.missing != 0, try await structures.survey().missing == survey.missing {
                try await found(
                    .totalsDiffer, nil,
                    queue: "held \(survey.held), by its account \(survey.held - survey.missing)",
                    ledger: "not asked", detail: "the queue's account since its epoch began"
                ) { try await structures.correctSurvey(survey.missing) }
            }
        }
        guard isFirst else { return }
        let statement = Statement(try await ledger.inspection.balances(), drift: 0)
        var isOff = !statement.holds
        guard let repair = ledger.repair else { return }
        if !isOff, options.isFull {
            let totals = try await repair.recount()
            isOff = totals.kept != totals.counted
        }
        guard isOff else { return }
        try await found(
            .totalsDiffer, nil, queue: "not asked", ledger: statement.description,
            detail: "the ledger's totals"
        ) { try await repair.correctBalances(actor: Self.actor(.totalsDiffer)) }
    }

    /// D34: the sums hold over jobs that wait in the outbox for ever, so their age is looked at.
    mutating func checkOutbox() async throws {
        let balances = try await onLedger { try await ledger.inspection.balances() }
        guard balances.outbox > 0, balances.outboxAge > Limits.outboxAge else { return }
        try await found(
            .outboxOverdue, nil, queue: "not asked", ledger: "\(balances.outbox) jobs in the outbox",
            detail: "the oldest for \(balances.outboxAge.components.seconds) s; ops/runbooks/D34.md"
        ) { false }
    }

    /// D36: nothing is lost, but what grows there can only be pruned row by row.
    mutating func checkPartitions() async throws {
        guard let partitions = ledger.partitions else { return }
        for name in try await onLedger({ try await partitions.missingPartitions(months: 1) }) {
            try await found(
                .monthMissing, nil, queue: "not asked", ledger: "no partition \(name)",
                detail: "ops/runbooks/D36.md"
            ) { false }
        }
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

    /// D24, in both homes of unique keys.
    mutating func checkKeys() async throws {
        guard let structures = queue.structures, let repair = ledger.repair else { return }
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
        guard isFirst else { return }
        var after: LeakedKey?
        while true {
            let keys = try await repair.leakedKeys(after: after, limit: Limits.jobsPerCall)
            guard let last = keys.last else { return }
            after = last
            for key in keys {
                try await found(
                    .keyOutlivesJob, key.job, queue: "not asked", ledger: "holds a unique key",
                    name: key.queue,
                    detail: "in Postgres"
                ) { try await repair.freeKey(key, actor: Self.actor(.keyOutlivesJob)) }
            }
        }
    }

    /// D19: what stands in quarantine is settled once its job is right without it; the sweeps before this have put
    /// right what they could. The rest needs a person.
    mutating func checkQuarantine() async throws {
        guard let repair = ledger.repair else { return }
        for row in try await ownQuarantine(repair) {
            // A worker's next heartbeat says more than the one set aside.
            let isRight: Bool?
            if row.source == "beat" {
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
            let outcome = "\(row.source) of \(row.position): \(row.reason.prefix(200))"
            if isRight {
                try await found(
                    .inQuarantine, row.job, queue: "agrees", ledger: "in quarantine", detail: outcome
                ) {
                    try await repair.settleQuarantine(row.id, actor: Self.actor(.inQuarantine))
                    return true
                }
            } else {
                run.findings.append(
                    ReconcileRun.Finding(
                        code: Drift.inQuarantine.rawValue, job: row.job, queueView: "unknown",
                        ledgerView: "in quarantine",
                        outcome: "needs_operator", severity: Drift.inQuarantine.severity,
                        detail: outcome + "; ops/runbooks/D19.md"))
            }
        }
    }

    /// Of jobs of this shard; the log that a row came from tells where nothing is known of its job.
    private func ownQuarantine(_ repair: any LedgerRepair) async throws -> [QuarantinedRow] {
        let rows = try await repair.quarantined(limit: Limits.maxPage)
        if part.isWhole { return rows }
        let known = try await ledger.reconciliation.views(rows.map(\.job).filter { $0 != .zero })
        return rows.filter { row in
            known[row.job].map { part.holds($0.queue) } ?? (row.position.shard == shard)
        }
    }

    private func isFailed(_ id: JobID) async throws -> Bool {
        try await ledger.inspection.jobs([id])[id]?.status == .failed
    }
}
