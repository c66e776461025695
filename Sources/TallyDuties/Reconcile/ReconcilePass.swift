import TallyCore

/// One run on its way: what it has met, found and mended so far.
struct ReconcilePass: Sendable {
    let queue: InspectedQueue
    let ledger: LedgerStore
    let barrier: Barrier
    var options: ReconcileOptions
    /// nil: a dry run, or a ledger that keeps none.
    let lease: HeldLease?
    let mostRepairs: Int
    var run: ReconcileRun

    /// The halves belong together; otherwise nothing is compared.
    var isPair = true

    /// Repairs made: the run counts them among its findings, which is dear while there are many.
    var mended = 0

    /// Where the round before this one was cut off; a round that goes by itself begins there.
    var resumed: SweepCursor?

    /// Ids that S2 has compared: S1 leaves them out.
    var seen: Set<JobID> = []
    /// Jobs whose repair the queue refuses, whenever it is tried.
    var refused: Set<JobID> = []
    /// Jobs that were left out as an epoch opened: changes are kept for their rows, and Redis does not hold them.
    var waiting = 0
    /// Jobs that were repaired, and not compared since.
    var repaired: Set<JobID> = []
    /// Ids that another sweep has found: they are not found twice.
    var claimed: Set<JobID> = []
    /// How the compared jobs stood, for the check of their places.
    var standing: [JobID: (status: JobStatus, version: Int)] = [:]
    /// What the walk through the structures met.
    var met = StructureWalk()

    /// Notes a finding, and mends it where the options allow: while the lease is held, and within the cap. Says
    /// whether it was mended.
    @discardableResult
    mutating func found(
        _ drift: Drift, _ job: JobID?, queue seen: String, ledger row: String, name: String = "",
        detail: String = "", _ repair: () async throws -> Bool
    ) async throws -> Bool {
        var outcome = drift.remedy == .automatic ? "found" : "needs_operator"
        if options.mends(drift) {
            if mended >= mostRepairs {
                run.error =
                    "stopped after \(mostRepairs) repairs: a mass of differences is a restore or a wrong pairing "
                    + "rather than drift; look first, then raise --max-repairs"
            } else {
                try lease?.check()
                let isMade = try await repair()
                let isRefused = job.map(refused.contains) ?? false
                outcome = isMade ? "repaired" : isRefused ? "needs_operator" : "raced"
                if outcome == "repaired" {
                    mended += 1
                    if let job { repaired.insert(job) }
                }
            }
        }
        if let job { claimed.insert(job) }
        run.findings.append(
            ReconcileRun.Finding(
                code: drift.rawValue, job: job, queueView: seen, ledgerView: row, outcome: outcome,
                severity: drift.severity, queue: name, detail: detail))
        return outcome == "repaired"
    }

    /// The hand of a repair: one compare-and-set of the queue.
    static func repair(
        _ queue: any QueueRepairing, _ id: JobID, _ expected: QueueRepair.Expected,
        _ action: QueueRepair.Action, _ drift: Drift, _ epoch: Int64
    ) async throws -> Bool {
        try await queue.repair(
            QueueRepair(id: id, epoch: epoch, expected: expected, action: action, code: drift.rawValue))
    }
    /// In the ledger's audit log.
    static func actor(_ drift: Drift) -> String { "reconciler:\(drift.rawValue)" }

    /// Of a round that goes by itself: how far it has come. nil = to its end.
    func keep(_ cursor: SweepCursor?) async throws {
        guard options.mode == .serve, let repair = ledger.repair else { return }
        try await onLedger { try await repair.moveSweepCursor(cursor, of: shard) }
    }

    var part: ShardPart { queue.part }
    var shard: Shard { queue.part.shard }
    /// What the ledger has once, whatever the number of shards, is looked at beside the first.
    var isFirst: Bool { shard == .first }

    /// Where the ledger stands in the log of this shard.
    func cursor() async throws -> LogPosition { try await ledger.mirror.cursor(of: shard) }

    /// Every sweep, in order.
    mutating func sweepAll() async throws {
        if options.mode == .serve { resumed = try await ledger.repair?.sweepCursor(of: shard) }
        try await sweepStructures()
        try await resumeQueue()
        try await sweepLedger()
        try await sweepQueue()
        try await keep(nil)
        try await checkPlaces()
        if options.mode == .repair { try await compareRepaired() }
        try await checkTotals()
        if isFirst { try await checkOutbox() }
        try await checkWorkers()
        if isFirst { try await checkPartitions() }
        if options.isFull { try await checkKeys() }
        try await checkQuarantine()
        if options.requeuesUnknown, isFirst { try await requeueUnknown() }
        run.isFull = options.since == nil && run.inconclusive == 0 && waiting == 0 && run.error == nil
    }

    /// - Throws: `GaveWay` from a round of `tally serve` for which somebody waits, `Lost` without the lease.
    func rest(jobs: Int) async throws {
        try lease?.check()
        if options.mode == .serve, lease?.isWanted == true { throw RepairLease.GaveWay() }
        guard let pace = options.pace else { return }
        pace.spend(jobs: jobs)
        try await pace.rest()
    }

    /// Runs a call of one half, and counts what it takes.
    func onQueue<Value>(_ body: () async throws -> Value) async throws -> Value {
        let began = ContinuousClock.now
        defer { options.pace?.spend(queue: .now - began) }
        return try await body()
    }
    func onLedger<Value>(_ body: () async throws -> Value) async throws -> Value {
        let began = ContinuousClock.now
        defer { options.pace?.spend(ledger: .now - began) }
        return try await body()
    }
}
