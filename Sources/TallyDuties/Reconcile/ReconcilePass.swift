import TallyCore

/// The pass over one shard on its way.
struct ReconcilePass: RecordedPass {
    let queue: InspectedQueue
    let ledger: LedgerStore
    let barrier: Barrier
    var options: ReconcileOptions
    let lease: HeldLease?
    let mostRepairs: Int
    var run: ReconcileRun

    var mended = 0

    /// Where the round before this one was cut off; a round that goes by itself begins there.
    var resumed: SweepCursor?

    /// Ids that S2 has compared: S1 leaves them out.
    var seen: Set<JobID> = []
    var refused: Set<JobID> = []
    /// Jobs that were left out as an epoch opened: changes are kept for their rows, and Redis does not hold them.
    var waiting = 0
    var repaired: Set<JobID> = []
    var claimed: Set<JobID> = []
    /// How the compared jobs stood, for the check of their places.
    var standing: [JobID: (status: JobStatus, version: Int)] = [:]
    /// What stands among ids and is none: a page may come twice.
    var foreignFields: Set<ForeignKey> = []
    /// What the walk through the structures met.
    var met = StructureWalk()

    /// The hand of a repair: one compare-and-set of the queue.
    static func repair(
        _ queue: any QueueRepairing, _ id: JobID, _ expected: QueueRepair.Expected,
        _ action: QueueRepair.Action, _ drift: Drift, _ epoch: Int64
    ) async throws -> Bool {
        try await queue.repair(
            QueueRepair(id: id, epoch: epoch, expected: expected, action: action, code: drift.rawValue))
    }
    /// Of a round that goes by itself: how far it has come. nil = to its end.
    func keep(_ cursor: SweepCursor?) async throws {
        guard options.mode == .serve, let repair = ledger.repair else { return }
        try await onLedger { try await repair.moveSweepCursor(cursor, of: part) }
    }

    var part: ShardPart { queue.part }
    var shard: Shard { queue.part.shard }

    /// Where the ledger stands in the log of this shard.
    func cursor() async throws -> LogPosition { try await ledger.mirror.cursor(of: shard) }

    /// Every sweep, in order.
    mutating func sweepAll() async throws {
        if options.mode == .serve { resumed = try await ledger.repair?.sweepCursor(of: part) }
        try await sweepStructures()
        try await resumeQueue()
        try await sweepLedger()
        try await sweepQueue()
        try await keep(nil)
        try await checkPlaces()
        if options.mode == .repair {
            try await compareRepaired()
            try await checkRepairedPlaces()
        }
        try await checkTotals()
        // Of several shards none is needed for what the ledger has once: that is a run of its own.
        if part.isWhole { try await checkLedger() }
        try await checkWorkers()
        if options.isFull { try await checkKeys() }
        try await checkQuarantine()
        if part.isWhole, options.requeuesUnknown { try await requeueUnknown(part.map) }
        run.wasCompared = true
        run.isFull = options.since == nil && run.inconclusive == 0 && waiting == 0 && run.error == nil
    }

    /// Runs a call of the queue, and counts what it takes.
    func onQueue<Value>(_ body: () async throws -> Value) async throws -> Value {
        let began = ContinuousClock.now
        defer { options.pace?.spend(queue: .now - began) }
        return try await body()
    }
}
