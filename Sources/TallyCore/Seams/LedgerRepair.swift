/// What the reconciler asks and mends in a ledger beyond the comparison: one seam for each sweep. Every change says
/// what it expects, so that a repeat, or a crash between asking and mending, changes nothing twice. A driver may lack
/// them: the sweeps that need them are then left out.
public typealias LedgerRepair = RollbackInspection & TotalsRepair & QuarantineRepair & WorkerRepair
    & LedgerKeyRepair & ResultRepair & SweepRegister

/// Of a ledger that says what a queue that lost its tail, or a part of its log, can have touched. Changes nothing.
public protocol RollbackInspection: Sendable {
    /// The jobs that a rollback of the queue can have touched, at most `limit`: events after `last` and before
    /// `epoch`, steps that the ledger made first since `time`, live rows that no log entry has reached.
    func window(after last: LogPosition, before epoch: Int64, since time: Timestamp, limit: Int)
        async throws(LedgerError) -> [JobID]
    /// Those transitions that the ledger has neither as events nor set aside.
    func unknownEvents(_ events: [LogStep]) async throws(LedgerError) -> Set<LogStep>
    /// Those of these jobs of which the log of another shard has told: one id that was taken in mode queued on two.
    func told(of ids: [JobID], elsewhereThan shard: Shard) async throws(LedgerError) -> Set<JobID>
}

/// Of a ledger that keeps totals beside the rows that they count.
public protocol TotalsRepair: Sendable {
    /// The totals as they are kept, and as counted from the rows at the same moment: reads all history.
    func recount() async throws(LedgerError) -> (kept: Balances, counted: Balances)
    /// Counts while nobody can change the totals, and puts them right by differences. False: they were right.
    ///
    /// - Crash: the totals and the audit log change together, or neither.
    /// - Repeat: counts anew, and finds them right.
    func correctBalances(actor: String) async throws(LedgerError) -> Bool
}

/// Of a ledger that sets aside what cannot be applied.
public protocol QuarantineRepair: Sendable {
    /// Rows that were set aside, the oldest first, behind the one of that id.
    func quarantined(after id: Int64, limit: Int) async throws(LedgerError) -> [QuarantinedRow]
    /// Takes a row out of quarantine; the audit log keeps it.
    ///
    /// - Crash: the row is in quarantine, or in the audit log.
    /// - Repeat: finds no row, and changes nothing.
    func settleQuarantine(_ id: Int64, actor: String) async throws(LedgerError)
}

/// Of a ledger that keeps a row a worker.
public protocol WorkerRepair: Sendable {
    /// Calls a worker lost, if it was last seen then. False: it was heard of since.
    ///
    /// - Crash: the worker is called lost, in the audit log too, or neither.
    /// - Repeat: answers false: it is lost already.
    func loseWorker(_ worker: WorkerID, lastSeen: Timestamp, actor: String) async throws(LedgerError) -> Bool
}

/// Of a ledger that keeps unique keys.
public protocol LedgerKeyRepair: Sendable {
    /// Unique keys that last until their job ends, held by a job that has ended or is not there; and those whose time
    /// is over.
    func leakedKeys(after key: LeakedKey?, limit: Int) async throws(LedgerError) -> [LeakedKey]
    /// Frees it, if it is still leaked.
    ///
    /// - Crash: the key is free, in the audit log too, or still leaked, and the next run meets it.
    /// - Repeat: answers false: it is not leaked any more.
    func freeKey(_ key: LeakedKey, actor: String) async throws(LedgerError) -> Bool

    /// Frees keys that somebody held when their job ended, and those whose time is over: as far as nobody holds them
    /// now, and at most `limit` of each. Answers how many. Changes that are kept for rows which are free by now are
    /// brought to them first, since they may hold ends.
    ///
    /// - Crash: what was freed stays free; the rest is left to the next call.
    /// - Repeat: frees what is left.
    func freeKeys(limit: Int) async throws(LedgerError) -> Int
}

/// Of a ledger that keeps what a committed effect returned.
public protocol ResultRepair: Sendable {
    /// Of these jobs, which end because their effect is committed: keeps that effect's result in the row.
    ///
    /// - Crash: each result is kept with its effect either way.
    /// - Repeat: changes nothing: only a row that has none yet takes one.
    func keepResults(_ ids: [JobID]) async throws(LedgerError)
}

/// Of a ledger that remembers how far the continuous round has come.
public protocol SweepRegister: Sendable {
    /// Where the last round of a shard was cut off, whatever became of those of the others; nil = nowhere.
    func sweepCursor(of part: ShardPart) async throws(LedgerError) -> SweepCursor?
    /// nil: the round came to its end.
    ///
    /// - Crash: the cursor stands where it did, and the next round begins there, or where it was moved to.
    /// - Repeat: changes nothing.
    func moveSweepCursor(_ cursor: SweepCursor?, of part: ShardPart) async throws(LedgerError)
    /// When the last round of each shard began, by the ledger's clock, however it ended; one without is absent.
    func lastRounds() async throws(LedgerError) -> [Shard: Timestamp]

    /// When every active job of both halves was last compared; of several shards that which was so longest ago.
    func lastFullRun() async throws(LedgerError) -> Timestamp?

    /// What the last run of each shard within a day found and left, the worst first.
    func findingsLeft(limit: Int) async throws(LedgerError) -> [LeftFinding]
}

extension SweepRegister {
    /// Of the only shard.
    package func sweepCursor() async throws(LedgerError) -> SweepCursor? { try await sweepCursor(of: .whole) }
    /// Of the only shard.
    package func moveSweepCursor(_ cursor: SweepCursor?) async throws(LedgerError) {
        try await moveSweepCursor(cursor, of: .whole)
    }
}

extension QuarantineRepair {
    /// From the first on.
    package func quarantined(limit: Int) async throws(LedgerError) -> [QuarantinedRow] {
        try await quarantined(after: .min, limit: limit)
    }
}
