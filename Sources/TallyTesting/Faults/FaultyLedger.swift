import Synchronization
import TallyCore

/// A ledger that fails on command, for tests of everything that stands above the seam. Untouched calls go through.
///
///     let ledger = FaultyLedger(MemoryLedger())
///     ledger.inject(.dropReply, on: .record)          // the next record happens, and its caller gets `.uncertain`
///     ledger.inject(.refuse(.unavailable), on: .apply, at: 3)        // the third batch from now changes nothing
///     ledger.inject(.delay { await gate.wait() }, on: .relay)        // the next relay waits at a gate of the test's
public final class FaultyLedger: LedgerDriver {
    /// What a call meets.
    public enum Fault: Sendable {
        /// Nothing happens; the caller gets this code.
        case refuse(LedgerError.Code)
        /// The call happens; the caller gets `.uncertain`.
        case dropReply
        /// The call happens once this has returned.
        case delay(@Sendable () async -> Void)
    }
    /// The verbs of the seam. `record`, `complete` and `commit` of a transaction are calls of their own.
    public enum Call: String, Hashable, Sendable, CaseIterable {
        /// Calls that enqueueing, the mirror, cancelling and operators make.
        case record, finishOutbox, relay, cursor, apply, requeue, recordCancel
        /// Calls that read, and the reconciler's note of its run.
        case clock, jobs, events, lines, list, workers, active, views, balances, effects, recordRun
        /// Calls inside a transaction, its commit, and the question for a committed effect.
        case recordInTransaction, complete, commit, committedEffect
        /// What a sweep of the reconciler asks beyond the comparison and changes there, and the named leases.
        case sweeps, mend, leases
        /// Every question which half keeps unique keys, every word on which queue is its own and which layout it
        /// takes, and the reports of duties.
        case keyHomes, pairing, recordLayout, duties
        /// Partitions of history, and what is let go of.
        case partitions, pruning, purge
        /// What is asked and noted of jobs that run anew.
        case replay
    }

    private struct Plan: Sendable {
        var faults = FaultPlan<Call, Fault>()
        var outage: LedgerError.Code?
        var refusedType: JobType?
    }
    private let base: LedgerStore
    private let plan = Mutex(Plan())

    /// A ledger in front of `base`.
    public init(_ base: any LedgerDriver) { self.base = base.store }

    /// The seams that every ledger has, and of the others those that `base` has.
    public var store: LedgerStore {
        var store = LedgerStore(self, close: base.close)
        if base.transactions != nil { store.transactions = self }
        store.repair = base.repair.map { FaultyLedgerRepair(base: $0, ledger: self) }
        store.leases = base.leases.map { FaultyLeases(base: $0, ledger: self) }
        store.duties = base.duties.map { FaultyLedgerDuties(base: $0, ledger: self) }
        store.keyHomes = base.keyHomes.map { FaultyLedgerKeyHomes(base: $0, ledger: self) }
        store.partitions = base.partitions.map { FaultyPartitions(base: $0, ledger: self) }
        store.pruning = base.pruning.map { FaultyPruning(base: $0, ledger: self) }
        store.purging = base.purging.map { FaultyPurging(base: $0, ledger: self) }
        store.lines = base.lines.map { FaultyLines(base: $0, ledger: self) }
        store.replaying = base.replaying.map { FaultyReplaying(base: $0, ledger: self) }
        store.pairing = base.pairing.map { FaultyLedgerPairing(base: $0, ledger: self) }
        store.recordLayout = base.recordLayout.map { FaultyLedgerRecordLayout(base: $0, ledger: self) }
        return store
    }

    /// From the `nth` call of this kind on, 1 being the next, `times` calls meet the fault; faults queue up.
    public func inject(_ fault: Fault, on call: Call, at nth: Int = 1, times: Int = 1) {
        plan.withLock { $0.faults.add(fault, on: call, from: nth, times: times) }
    }

    /// Every call fails with this code until nil is set.
    public func setOutage(_ code: LedgerError.Code?) { plan.withLock { $0.outage = code } }

    /// Every recording with a job of this type is refused for its data, as Postgres refuses what it cannot hold; nil
    /// ends it.
    public func refuse(_ type: JobType?) { plan.withLock { $0.refusedType = type } }

    /// How often the call was made, faults included.
    public func count(of call: Call) -> Int { plan.withLock { $0.faults.count(of: call) } }

    /// The fault that a call meets, once it has met all of it that comes before the call.
    private func fault(_ call: Call) async throws(LedgerError) -> Fault? {
        let fault: Fault? = plan.withLock { plan in
            if let code = plan.outage {
                plan.faults.count(call)
                return .refuse(code)
            }
            return plan.faults.next(call)
        }
        switch fault {
        case .refuse(let code)?: throw LedgerError(code, call.rawValue, "injected")
        case .delay(let wait)?: await wait()
        case .dropReply?, nil: break
        }
        return fault
    }

    func pass<Answer: Sendable>(
        _ call: Call, _ body: @autoclosure () async throws(LedgerError) -> Answer
    ) async throws(LedgerError) -> Answer {
        let fault = try await fault(call)
        let answer = try await body()
        try Self.drop(fault, call)
        return answer
    }

    private static func drop(_ fault: Fault?, _ call: Call) throws(LedgerError) {
        guard case .dropReply? = fault else { return }
        throw LedgerError(.uncertain, call.rawValue, "injected: the reply was dropped")
    }

    /// `pass` for a seam that throws any error: one that is no error of a ledger is `.unavailable`.
    func passAny<Answer: Sendable>(
        _ call: Call, _ body: () async throws -> Answer
    ) async throws(LedgerError) -> Answer {
        func typed() async throws(LedgerError) -> Answer {
            do { return try await body() } catch {
                throw error as? LedgerError ?? LedgerError(.unavailable, call.rawValue, "\(error)")
            }
        }
        return try await pass(call, await typed())
    }

    private func checked(_ jobs: [JobRecord]) throws(LedgerError) -> [JobRecord] {
        guard let type = plan.withLock({ $0.refusedType }), jobs.contains(where: { $0.type == type }) else {
            return jobs
        }
        throw LedgerError(.refused, "record", "injected: the data is refused", sqlState: "22P05")
    }
}

extension FaultyLedger: Recording, LedgerOutbox, MirrorApplication, LedgerControl, LedgerInspection,
    Reconciliation
{
    public func record(_ jobs: [JobRecord], together: Bool) async throws(LedgerError) -> RecordReceipt {
        try await pass(.record, await base.recording.record(checked(jobs), together: together))
    }
    public func clock() async throws(LedgerError) -> Timestamp {
        try await pass(.clock, await base.recording.clock())
    }
    public func finishOutbox(_ ids: [OutboxID]) async throws(LedgerError) {
        try await pass(.finishOutbox, await base.outbox.finishOutbox(ids))
    }
    public func relay(
        _ claim: RelayClaim, push: @Sendable (OutboxRow) async throws -> RelayVerdict
    ) async throws(LedgerError) -> RelayPass {
        try await pass(.relay, await base.outbox.relay(claim, push: push))
    }
    public func cursor(of shard: Shard) async throws(LedgerError) -> LogPosition {
        try await pass(.cursor, await base.mirror.cursor(of: shard))
    }
    public func apply(_ batch: MirrorBatch) async throws(LedgerError) -> Bool {
        try await pass(.apply, await base.mirror.apply(batch))
    }
    public func requeue(
        _ id: JobID, seen version: Int, runAt: Timestamp?, resetAttempts: Bool, actor: String,
        despiteEffect: Bool
    ) async throws(LedgerError) -> RequeueAnswer {
        try await pass(
            .requeue,
            await base.control.requeue(
                id, seen: version, runAt: runAt, resetAttempts: resetAttempts, actor: actor,
                despiteEffect: despiteEffect))
    }
    public func recordCancel(
        _ id: JobID, version: Int, epoch: Int64, shard: Shard
    ) async throws(LedgerError) -> RecordCancelAnswer {
        try await pass(
            .recordCancel,
            await base.control.recordCancel(id, version: version, epoch: epoch, shard: shard))
    }
    public func jobs(_ ids: [JobID]) async throws(LedgerError) -> [JobID: JobSnapshot] {
        try await pass(.jobs, await base.inspection.jobs(ids))
    }
    public func events(_ id: JobID) async throws(LedgerError) -> [JobEvent] {
        try await pass(.events, await base.inspection.events(id))
    }
    public func list(_ query: JobQuery) async throws(LedgerError) -> JobPage {
        try await pass(.list, await base.inspection.list(query))
    }
    public func workers() async throws(LedgerError) -> [WorkerRow] {
        try await pass(.workers, await base.inspection.workers())
    }
    public func balances() async throws(LedgerError) -> Balances {
        try await pass(.balances, await base.inspection.balances())
    }
    public func active(after id: JobID, limit: Int) async throws(LedgerError) -> [LedgerView] {
        try await pass(.active, await base.reconciliation.active(after: id, limit: limit))
    }
    public func views(_ ids: [JobID]) async throws(LedgerError) -> [JobID: LedgerView] {
        try await pass(.views, await base.reconciliation.views(ids))
    }
    public func effects(_ ids: [JobID]) async throws(LedgerError) -> Set<JobID> {
        try await pass(.effects, await base.reconciliation.effects(ids))
    }
    public func record(run: ReconcileRun) async throws(LedgerError) {
        try await pass(.recordRun, await base.reconciliation.record(run: run))
    }
}

extension FaultyLedger: LedgerTransactions {
    private func transactions() throws(LedgerError) -> any LedgerTransactions {
        guard let transactions = base.transactions else { throw LedgerError(.unsupported, "transaction") }
        return transactions
    }

    /// `.refuse` on `commit` rolls the transaction back; `.dropReply` loses the answer to a commit that took place.
    public func transaction<Value: Sendable>(
        _ body: (any LedgerTransaction) async throws -> Value
    ) async throws -> Value {
        let fate = Mutex<Fault?>(nil)
        let value = try await transactions().transaction { transaction in
            let value = try await body(transaction)
            let fault = try await fault(.commit)
            fate.withLock { $0 = fault }
            return value
        }
        try Self.drop(fate.withLock { $0 }, .commit)
        return value
    }
    public func record(
        _ jobs: [JobRecord], in transaction: some LedgerTransaction
    ) async throws(LedgerError) -> RecordReceipt {
        try await pass(.recordInTransaction, await transactions().record(checked(jobs), in: transaction))
    }
    public func complete(
        _ lease: Lease, result: [UInt8], in transaction: some LedgerTransaction
    ) async throws(LedgerError) -> EffectAnswer {
        try await pass(
            .complete, await transactions().complete(lease, result: result, in: transaction))
    }
    public func committedEffect(of job: JobID) async throws(LedgerError) -> [UInt8]? {
        try await pass(.committedEffect, await transactions().committedEffect(of: job))
    }
}
