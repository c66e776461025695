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
    private let maxRepairs: Int?

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
    ///   the way; what the stores throw. Whatever ends a run that has begun, its row is in the ledger, unless the
    ///   ledger itself is away.
    public func run(_ options: ReconcileOptions) async throws -> (run: ReconcileRun, statement: Statement) {
        let mirror = self.mirror
        let end = try await recorded(options) { pass in
            guard try await pass.checkPairing(), try await pass.checkLog(mirror) else { return }
            try await pass.sweepAll()
        }
        let survey = try await queue.structures?.survey()
        return (
            end.run,
            Statement(
                try await ledger.inspection.balances(), drift: end.run.left, queues: survey.map { [$0] } ?? []
            )
        )
    }

    /// Runs `walk` under the lease to repair where it may repair, and leaves the run's row whatever ends it: once as
    /// it begins, for a process that is killed, and once as it ends.
    func recorded(
        _ options: ReconcileOptions, _ walk: @escaping @Sendable (inout ReconcilePass) async throws -> Void
    ) async throws -> ReconcilePass {
        guard let lease = try await RepairLease.take(ledger.leases, for: options) else {
            return try await walked(options, nil, walk)
        }
        return try await lease.during {
            try await RepairFence.$token.withValue(lease.token) {
                try await walked(options, lease, walk)
            }
        }
    }

    private func walked(
        _ options: ReconcileOptions, _ lease: HeldLease?,
        _ walk: @Sendable (inout ReconcilePass) async throws -> Void
    ) async throws -> ReconcilePass {
        var pass = try await pass(options, lease)
        pass.run.error = "has not ended: it goes on, or its process was killed"
        try await ledger.reconciliation.record(run: pass.run)
        pass.run.error = nil
        do {
            try await walk(&pass)
            try lease?.check()
            let run = pass.run
            pass.run.exitCode = run.inconclusive > 0 ? 8 : run.left > 0 ? 4 : run.repaired > 0 ? 1 : 0
            pass.run.endSeq = try await queue.transitions.history().seq
            pass.run.finishedAt = .now
            try await ledger.reconciliation.record(run: pass.run)
            return pass
        } catch {
            // A lease that is lost cancels the walk: then this is why, not the cancellation.
            var why: any Error = error
            do { try lease?.check() } catch { why = error }
            pass.run.error = Task.isCancelled && !(why is HeldLease.Lost) ? "was cancelled" : "\(why)"
            await leave(pass.run)
            throw why
        }
    }

    /// Outlives a cancelled caller.
    private func leave(_ run: ReconcileRun) async {
        var run = run
        run.finishedAt = .now
        run.isFull = false
        let (ledger, last) = (self.ledger, run)
        // the row of its beginning stands where the ledger is away
        await Task { try? await ledger.reconciliation.record(run: last) }.value
    }

    private func pass(_ options: ReconcileOptions, _ lease: HeldLease?) async throws -> ReconcilePass {
        var options = options
        options.maxRepairs = options.maxRepairs ?? maxRepairs
        let began = Timestamp.now
        let history = try await queue.transitions.history()
        var run = ReconcileRun(
            id: JobID(), startedAt: began, finishedAt: began, mode: options.mode.rawValue,
            epoch: history.epoch, seq: history.seq, scannedQueue: 0, scannedLedger: 0, inconclusive: 0,
            findings: [], exitCode: 8)
        run.shard = queue.part.shard
        run.actor = options.actor
        run.host = options.host
        let most: Int
        if options.mode == .dry {
            most = 0
        } else if let given = options.maxRepairs {
            most = given
        } else {
            most = max(Limits.repairs, try await ledger.inspection.balances().active / 100)
        }
        return ReconcilePass(
            queue: queue, ledger: ledger, barrier: barrier, options: options, lease: lease, mostRepairs: most,
            run: run)
    }
}
