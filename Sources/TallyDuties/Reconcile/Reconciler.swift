import TallyCore

/// Lays one shard beside the ledger's rows of its queues. The sweeps are in `Sweeps`, what is done about their
/// findings in `Repair`; what they cost follows the active set, never history. Each suspicion passes the barrier
/// twice, so a job that moves between two reads, or a mirror that lags, is never called drift.
public struct Reconciler: Sendable {
    /// What a run may do about what it finds.
    public enum Mode: String, Sendable {
        /// By hand: `dry` only looks, `repair` mends what may be mended by itself.
        case dry, repair
        /// A held epoch is compared, mended and opened.
        case open
        /// A round of `tally serve`.
        case serve
    }

    let queue: InspectedQueue
    let ledger: LedgerStore
    let barrier: Barrier
    private let mirror: Mirror
    let maxRepairs: Int?

    /// - Throws: `.unsupported` for a queue that cannot be inspected and repaired.
    public init(
        queue: any QueueDriver, ledger: any LedgerDriver, mirror: Mirror, maxRepairs: Int? = nil
    ) throws(QueueError) {
        self.queue = try InspectedQueue(queue, for: "reconcile")
        self.ledger = ledger.store
        self.mirror = mirror
        self.maxRepairs = maxRepairs
        barrier = Barrier(ledger: ledger, mirror: mirror)
    }

    /// One full pass. The run and its findings are in the ledger when this returns.
    ///
    /// Exit code of the run: 0 clean, 1 repaired, 4 drift left, 8 could not complete or inconclusive.
    public func run(_ mode: Mode) async throws -> (run: ReconcileRun, statement: Statement) {
        try await run(ReconcileOptions(mode))
    }

    /// - Throws: `RepairLease.Taken` when another reconciler repairs, `HeldLease.Lost` when the lease was lost on
    ///   the way; what the stores throw. Whatever ends a run that was free to begin, its row is in the ledger, unless
    ///   the ledger itself is away.
    public func run(_ options: ReconcileOptions) async throws -> (run: ReconcileRun, statement: Statement) {
        let run = try await pass(options)
        let survey = try await survey()
        return (
            run,
            Statement(
                try await ledger.inspection.balances(), drift: run.left, queues: survey.map { [$0] } ?? [],
                map: queue.part.map)
        )
    }

    /// `run` without the statement.
    package func pass(_ options: ReconcileOptions) async throws -> ReconcileRun {
        let mirror = self.mirror
        return try await recorded(options) { pass in
            // A paced round touches nothing there: leases wait until somebody opens the new epoch.
            if pass.options.mode == .serve, try await pass.queue.transitions.history().isHeld {
                throw EpochHeld()
            }
            guard try await pass.checkPairing() else { return }
            try await pass.checkForeignKeys()
            guard try await pass.checkLog(mirror) else { return }
            try await pass.sweepAll()
        }.run
    }

    /// The account of this shard, where it keeps one.
    package func survey() async throws -> QueueSurvey? { try await queue.structures?.survey() }

    /// Runs `walk` as the pass of this shard, under the lease to repair where it may repair.
    func recorded(
        _ options: ReconcileOptions, _ walk: @escaping @Sendable (inout ReconcilePass) async throws -> Void
    ) async throws -> ReconcilePass {
        var options = options
        options.maxRepairs = options.maxRepairs ?? maxRepairs
        let register = RunRegister(ledger: ledger, options: options)
        return try await register.keep(of: queue.part.shard) { [options] lease in
            let history = try await queue.transitions.history()
            return ReconcilePass(
                queue: queue, ledger: ledger, barrier: barrier, options: options, lease: lease,
                mostRepairs: try await register.mostRepairs(),
                run: await register.run(of: queue.part.shard, history))
        } walk: { pass in
            try await walk(&pass)
            pass.run.endSeq = try await queue.transitions.history().seq
        }
    }
}
