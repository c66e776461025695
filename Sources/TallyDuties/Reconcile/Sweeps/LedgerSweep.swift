import TallyCore

/// What the ledger has once, whatever the number of shards: its totals, its outbox, its partitions, its unique keys.
/// Beside one shard that is a part of its pass.
extension RecordedPass {
    mutating func checkLedger() async throws {
        let balances = try await onLedger { try await ledger.inspection.balances() }
        try await checkBalances(balances)
        try await checkOutbox(balances)
        try await checkPartitions()
        if options.isFull { try await checkLedgerKeys() }
    }

    /// D21: the ledger's account adds up. A correction is by differences and noted, never a silent overwrite.
    private mutating func checkBalances(_ balances: Balances) async throws {
        let statement = Statement(balances, drift: 0)
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
    private mutating func checkOutbox(_ balances: Balances) async throws {
        guard balances.outbox > 0, balances.outboxAge > Limits.outboxAge else { return }
        try await found(
            .outboxOverdue, nil, queue: "not asked", ledger: "\(balances.outbox) jobs in the outbox",
            detail: "the oldest for \(balances.outboxAge.components.seconds) s; ops/runbooks/D34.md"
        ) { false }
    }

    /// D36: nothing is lost, but what grows there can only be pruned row by row.
    private mutating func checkPartitions() async throws {
        guard let partitions = ledger.partitions else { return }
        for name in try await onLedger({ try await partitions.missingPartitions(months: 1) }) {
            try await found(
                .monthMissing, nil, queue: "not asked", ledger: "no partition \(name)",
                detail: "ops/runbooks/D36.md"
            ) { false }
        }
    }

    /// D24, of the keys that the ledger keeps.
    private mutating func checkLedgerKeys() async throws {
        guard let repair = ledger.repair else { return }
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

    /// The operator asked: what was set aside (D18) runs again, on whichever shard of `map` its queue lives. An id
    /// that is a job on several is left, as `tally dlq requeue` refuses it: it may be the other one that was set
    /// aside.
    mutating func requeueUnknown(_ map: ShardMap) async throws {
        var cursor: String?
        repeat {
            let page = try await ledger.inspection.list(
                JobQuery(status: .failed, limit: Limits.maxPage, cursor: cursor))
            let lost = page.jobs.filter { $0.error == Drift.historyLost }
            let twice = try await twice(lost, map)
            for job in lost {
                if twice.contains(job.record.id) {
                    try await foundTwice(
                        job.record.id, queue: "not asked", ledger: job.text, name: job.record.queue)
                    continue
                }
                _ = try await ledger.control.requeue(
                    job.record.id, seen: job.version, runAt: nil, resetAttempts: true,
                    actor: Self.actor(.ledgerRestored)
                )
            }
            cursor = page.next
        } while cursor != nil
    }
    /// Those of these jobs of which the log of another shard than their queue's has told too.
    private func twice(_ jobs: [JobSnapshot], _ map: ShardMap) async throws -> Set<JobID> {
        guard map.count > 1, let repair = ledger.repair else { return [] }
        var twice: Set<JobID> = []
        for (shard, own) in Dictionary(grouping: jobs, by: { map.shard(of: $0.record.queue) }) {
            let ids = own.map(\.record.id)
            twice.formUnion(try await onLedger { try await repair.told(of: ids, elsewhereThan: shard) })
        }
        return twice
    }
}
