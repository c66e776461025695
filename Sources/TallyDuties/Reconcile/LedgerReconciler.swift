import TallyCore

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
    private let map: ShardMap
    private let maxRepairs: Int?

    /// - Parameter map: which shards there are beside the ledger.
    /// - Parameter maxRepairs: of a pass whose options name no bound.
    package init(ledger: any LedgerDriver, map: ShardMap, maxRepairs: Int? = nil) {
        self.ledger = ledger.store
        self.map = map
        self.maxRepairs = maxRepairs
    }

    /// One pass; the run and its findings are in the ledger when this returns. It comes before those of the shards:
    /// totals that are off can keep back the mirror of each.
    ///
    /// - Throws: as `Reconciler.run` does, and what the ledger throws.
    package func run(_ options: ReconcileOptions) async throws -> ReconcileRun {
        try await recorded(options) { pass in try await pass.checkLedger() }
    }

    /// Runs again what the passes of all shards, or of runs before this one, have set aside as lost; behind them.
    package func requeueUnknown(_ options: ReconcileOptions) async throws -> ReconcileRun {
        try await recorded(options) { [map] pass in try await pass.requeueUnknown(map) }
    }

    private func recorded(
        _ options: ReconcileOptions, _ walk: @escaping @Sendable (inout Pass) async throws -> Void
    ) async throws -> ReconcileRun {
        var options = options
        options.maxRepairs = options.maxRepairs ?? maxRepairs
        let register = RunRegister(ledger: ledger, options: options)
        return try await register.keep(of: nil) { [ledger, options] lease in
            Pass(
                ledger: ledger, options: options, lease: lease,
                mostRepairs: try await register.mostRepairs(), run: await register.run(of: nil))
        } walk: { pass in
            try await walk(&pass)
            pass.run.wasCompared = true
        }.run
    }
}
