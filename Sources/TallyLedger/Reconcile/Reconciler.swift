import TallyCore

/// Lays the halves together. The sweeps are in `Sweeps`, what is done about their findings in `Repair`; what they
/// cost follows the active set, never history. Each suspicion passes the barrier twice, so a job that moves between
/// two reads, or a mirror that lags, is never called drift.
public struct Reconciler: Sendable {
    public enum Mode: String, Sendable {
        case dry, repair
        /// A held epoch is compared, mended and opened.
        case open
        /// A round of `tally serve`.
        case serve
    }

    let queue: any InspectableQueue
    let ledger: any LedgerDriver
    let barrier: Barrier
    private let mirror: Mirror
    private let maxRepairs: Int?

    public init(
        queue: any InspectableQueue, ledger: any LedgerDriver, mirror: Mirror, maxRepairs: Int? = nil
    ) {
        self.queue = queue
        self.ledger = ledger
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

    /// - Throws: `RepairLease.Taken` when another reconciler repairs; what the stores throw.
    public func run(_ options: ReconcileOptions) async throws -> (run: ReconcileRun, statement: Statement) {
        var pass = try await pass(options)
        do {
            if options.mode != .dry { try await pass.lease.keep() }
            if try await pass.checkPairing(), try await pass.checkLog(mirror) {
                if options.mode == .serve {
                    pass.resumed = try await (ledger as? any ReconcilableLedger)?.sweepCursor()
                }
                try await pass.sweepStructures()
                try await pass.resumeQueue()
                try await pass.sweepLedger()
                try await pass.sweepQueue()
                try await pass.keep(nil)
                try await pass.checkPlaces()
                try await pass.checkTotals()
                try await pass.checkOutbox()
                try await pass.checkWorkers()
                if options.isFull { try await pass.checkKeys() }
                try await pass.checkQuarantine()
                if options.requeuesUnknown { try await pass.requeueUnknown() }
                pass.run.isFull = options.since == nil && pass.run.inconclusive == 0 && pass.run.error == nil
            }
            return try await finish(&pass)
        } catch {
            await pass.lease.end()
            throw error
        }
    }

    func pass(_ options: ReconcileOptions) async throws -> ReconcilePass {
        var options = options
        options.maxRepairs = options.maxRepairs ?? maxRepairs
        let began = Timestamp.now
        let history = try await queue.history()
        var run = ReconcileRun(
            id: JobID(), startedAt: began, finishedAt: began, mode: options.mode.rawValue,
            epoch: history.epoch, seq: history.seq, scannedQueue: 0, scannedLedger: 0, inconclusive: 0,
            findings: [], exitCode: 0)
        run.actor = options.actor
        run.host = options.host
        let most: Int
        if options.mode == .dry {
            most = 0
        } else if let given = options.maxRepairs {
            most = given
        } else {
            most = max(Limits.repairs, try await ledger.balances().active / 100)
        }
        return ReconcilePass(
            queue: queue, ledger: ledger, barrier: barrier, options: options,
            lease: RepairLease(ledger, holder: "\(options.actor)@\(options.host)"), mostRepairs: most,
            run: run)
    }

    /// Records the run and gives the lease back.
    func finish(_ pass: inout ReconcilePass) async throws -> (run: ReconcileRun, statement: Statement) {
        pass.run.finishedAt = .now
        pass.run.endSeq = try await queue.history().seq
        let run = pass.run
        pass.run.exitCode = run.inconclusive > 0 ? 8 : run.left > 0 ? 4 : run.repaired > 0 ? 1 : 0
        try await ledger.record(run: pass.run)
        await pass.lease.end()
        let survey = try await (queue as? any ReconcilableQueue)?.survey()
        return (pass.run, Statement(try await ledger.balances(), drift: run.left, queue: survey))
    }
}
