import TallyCore

/// What the ledger has once, whatever the number of shards: its totals, its outbox, its partitions, its unique keys.
/// Beside one shard that is a part of its pass.
extension RecordedPass {
    mutating func checkLedger() async throws {
        try await checkBalances()
        try await checkOutbox()
        try await checkPartitions()
        if options.isFull { try await checkLedgerKeys() }
    }

    /// D21: the ledger's account adds up. A correction is by differences and noted, never a silent overwrite.
    private mutating func checkBalances() async throws {
        let statement = Statement(try await onLedger { try await ledger.inspection.balances() }, drift: 0)
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
    private mutating func checkOutbox() async throws {
        let balances = try await onLedger { try await ledger.inspection.balances() }
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

    /// The operator asked: what was set aside (D18) runs again, on whichever shard its queue lives.
    mutating func requeueUnknown() async throws {
        var cursor: String?
        repeat {
            let page = try await ledger.inspection.list(
                JobQuery(status: .failed, limit: Limits.maxPage, cursor: cursor))
            for job in page.jobs where job.error == Drift.historyLost {
                _ = try await ledger.control.requeue(
                    job.record.id, seen: job.version, runAt: nil, resetAttempts: true,
                    actor: Self.actor(.ledgerRestored)
                )
            }
            cursor = page.next
        } while cursor != nil
    }
}

/// Looks at what the ledger has once, in a run of its own: where there are several shards none of them is needed for
/// it, whichever of them are away.
package struct LedgerReconciler: Sendable {
    private struct Pass: RecordedPass {
        let ledger: LedgerStore
        let options: ReconcileOptions
        let lease: HeldLease?
        let mostRepairs: Int
        var run: ReconcileRun
        var mended = 0
        let refused: Set<JobID> = []
        var repaired: Set<JobID> = []
        var claimed: Set<JobID> = []
    }
    private let ledger: LedgerStore

    /// Of this ledger.
    package init(ledger: any LedgerDriver) { self.ledger = ledger.store }

    /// One pass; the run and its findings are in the ledger when this returns. It comes before those of the shards:
    /// totals that are off can keep back the mirror of each.
    ///
    /// - Throws: as `Reconciler.run` does, and what the ledger throws.
    package func run(_ options: ReconcileOptions) async throws -> ReconcileRun {
        try await recorded(options) { pass in try await pass.checkLedger() }
    }

    /// Runs again what the passes of all shards, or of runs before this one, have set aside as lost; behind them.
    package func requeueUnknown(_ options: ReconcileOptions) async throws -> ReconcileRun {
        try await recorded(options) { pass in try await pass.requeueUnknown() }
    }

    private func recorded(
        _ options: ReconcileOptions, _ walk: @escaping @Sendable (inout Pass) async throws -> Void
    ) async throws -> ReconcileRun {
        let register = RunRegister(ledger: ledger, options: options)
        let end = try await register.keep(
            { [ledger] lease in
                Pass(
                    ledger: ledger, options: options, lease: lease,
                    mostRepairs: try await register.mostRepairs(), run: register.run(nil))
            }, walk: walk)
        return end.run
    }
}
