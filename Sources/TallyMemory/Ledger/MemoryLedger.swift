import Synchronization
import TallyCore

/// The ledger in this process' memory: the reference for what every ledger does. Nothing survives the process.
///
/// Each call is one transaction under a lock; the rules are in `MemoryLedgerState`. `withTransaction` makes several
/// calls one, together with rows of the application's own.
public final class MemoryLedger: LedgerDriver {
    struct Shared: Sendable {
        var state = MemoryLedgerState()
        var rows: MemoryRows
        var transactions = OpenTransactions()
        var waiters = TransactionWaiters()
        var isClosed = false
    }
    let shared: Mutex<Shared>
    /// Who is told of the end of each transaction.
    let afterwards = Mutex<Afterwards?>(nil)
    let reading: @Sendable () -> Timestamp
    let userQuery: MemoryQuery?

    /// - Parameters:
    ///   - clock: decides what lies ahead, how old an outbox row is, and when a key is free again.
    ///   - rows: what the application's own tables hold at the start.
    ///   - query: says what a statement of a transaction does to the rows. It runs inside a lock and must not call
    ///     the ledger. Without one a transaction can record and complete, and runs no SQL.
    public init(
        clock: @escaping @Sendable () -> Timestamp = { .now }, rows: MemoryRows = [:],
        query: MemoryQuery? = nil
    ) {
        reading = clock
        userQuery = query
        shared = Mutex(Shared(rows: rows))
    }

    /// A ledger that older programs may still use, so that a test can raise its layout.
    package convenience init(clock: @escaping @Sendable () -> Timestamp = { .now }, recordLayout: Int) {
        self.init(clock: clock)
        shared.withLock { $0.state.recordLayout = recordLayout }
    }

    /// Its seams.
    public var store: LedgerStore {
        var store = LedgerStore(self) { await self.close() }
        store.transactions = self
        store.leases = self
        store.duties = self
        store.recordLayout = self
        store.purging = self
        store.lines = self
        return store
    }

    /// What follows the end of a transaction. The error that it answers is thrown to whoever has committed.
    package typealias Afterwards = @Sendable (_ isCommitted: Bool) async -> (any Error)?

    /// Calls this behind each transaction, once others see what it did.
    package func afterTransactions(_ body: @escaping Afterwards) { afterwards.withLock { $0 = body } }

    /// Whether any transaction has begun and not ended.
    package var isInTransaction: Bool { shared.withLock { !$0.transactions.open.isEmpty } }

    /// The application's own rows, as they are committed.
    public var rows: MemoryRows { shared.withLock { $0.rows } }

    /// Every reconciler run that was recorded, oldest first.
    public func reconcileRuns() throws(LedgerError) -> [ReconcileRun] {
        try run("reconcileRuns") { state, _ in state.runs }
    }

    func run<Answer: Sendable>(
        _ operation: String, _ body: (inout MemoryLedgerState, Timestamp) throws(LedgerError) -> Answer
    ) throws(LedgerError) -> Answer {
        let now = reading()
        return try shared.withLock { shared throws(LedgerError) in
            if shared.isClosed { throw LedgerError(.closed, operation) }
            return try body(&shared.state, now)
        }
    }
}

extension MemoryLedger: LedgerPurging {
    public func purge(
        _ jobs: [JobID: Int], before time: Timestamp, actor: String
    ) async throws(LedgerError) -> Set<JobID> {
        try run("purge") { state, _ in state.purge(jobs, before: time) }
    }
}

extension MemoryLedger: LedgerLines {
    public func lines(_ id: JobID) async throws(LedgerError) -> [AttemptLine] {
        try run("lines") { state, _ in
            let all = (state.lines[id] ?? []).sorted(by: AttemptLine.isEarlier)
            return Array(all.suffix(Limits.jobLines))
        }
    }
}

extension MemoryLedger: Recording, LedgerOutbox, MirrorApplication, LedgerControl, LedgerInspection,
    Reconciliation,
    DutyRegister, LeaseRegister
{
    /// The time that it was given.
    public func clock() async throws(LedgerError) -> Timestamp { reading() }

    // MARK: - Enqueue

    public func record(_ jobs: [JobRecord], together: Bool) async throws(LedgerError) -> RecordReceipt {
        try MemoryLedgerState.check(jobs)
        return try await run("record", waitingFor: OpenTransactions.Lock.of(jobs)) { state, now in
            if together, let refused = state.recorded(jobs, at: now).receipt.withheld(jobs) { return refused }
            return state.record(jobs, at: now)
        }
    }

    public func finishOutbox(_ ids: [OutboxID]) async throws(LedgerError) {
        try run("finishOutbox") { state, _ in for id in ids { state.finishOutbox(id) } }
    }

    /// What `push` throws releases all claims and is reported as `.unavailable`, or as `.cancelled`; rows that were
    /// pushed before it are deleted all the same.
    public func relay(
        _ claim: RelayClaim, push: @Sendable (OutboxRow) async throws -> RelayVerdict
    ) async throws(LedgerError) -> RelayPass {
        let (claimed, next) = try run("relay") { state, now in state.claim(claim, at: now) }
        let ids = claimed.map(\.id)
        var pass = RelayPass(claimed: claimed.count, next: next)
        do {
            for row in claimed {
                let verdict = row.pushes.isEmpty ? RelayVerdict() : try await push(row)
                if try run("relay", { state, now in state.settle(row, verdict, at: now) }) {
                    pass.deleted += 1
                }
                pass.setAside += verdict.aside.count
            }
        } catch {
            shared.withLock { $0.state.releaseClaims(ids) }
            if let error = error as? LedgerError { throw error }
            if error is CancellationError { throw LedgerError(.cancelled, "relay") }
            throw LedgerError(.unavailable, "relay", "\(error)")
        }
        shared.withLock { $0.state.releaseClaims(ids) }
        return pass
    }

    // MARK: - Mirror

    public func cursor(of shard: Shard) async throws(LedgerError) -> LogPosition {
        try run("cursor") { state, _ in state.cursors[shard] ?? .start(of: shard) }
    }

    public func apply(_ batch: MirrorBatch) async throws(LedgerError) -> Bool {
        try run("apply") { state, now in state.apply(batch, at: now) }
    }

    // MARK: - Change

    public func requeue(
        _ id: JobID, seen version: Int, runAt: Timestamp?, resetAttempts: Bool, actor: String,
        despiteEffect: Bool
    ) async throws(LedgerError) -> RequeueAnswer {
        try run("requeue") { state, now throws(LedgerError) in
            if let problem = JobRules.runAtProblem(runAt, from: now) {
                throw LedgerError(.invalid, "requeue", "\(problem)")
            }
            return state.requeue(
                id, seen: version, runAt: runAt, resetAttempts: resetAttempts, actor: actor,
                despiteEffect: despiteEffect, at: now)
        }
    }

    public func recordCancel(
        _ id: JobID, version: Int, epoch: Int64, shard: Shard
    ) async throws(LedgerError) -> RecordCancelAnswer {
        try run("recordCancel") { state, now in
            state.recordCancel(id, version: version, epoch: epoch, shard: shard, at: now)
        }
    }

    // MARK: - Read

    public func jobs(_ ids: [JobID]) async throws(LedgerError) -> [JobID: JobSnapshot] {
        try run("jobs") { state, _ in
            var found: [JobID: JobSnapshot] = [:]
            for id in ids { found[id] = state.rows[id]?.job }
            return found
        }
    }

    public func events(_ id: JobID) async throws(LedgerError) -> [JobEvent] {
        try run("events") { state, _ in JobHistory(state.events[id] ?? []).events }
    }

    public func list(_ query: JobQuery) async throws(LedgerError) -> JobPage {
        try run("list") { state, _ throws(LedgerError) in try state.list(query) }
    }

    public func workers() async throws(LedgerError) -> [WorkerRow] {
        try run("workers") { state, _ in state.workers.values.sorted { $0.beat.id.text < $1.beat.id.text } }
    }

    public func active(after id: JobID, limit: Int) async throws(LedgerError) -> [LedgerView] {
        try run("active") { state, _ in state.active(after: id, limit: limit) }
    }

    public func views(_ ids: [JobID]) async throws(LedgerError) -> [JobID: LedgerView] {
        try run("views") { state, _ in state.views(ids) }
    }

    public func balances() async throws(LedgerError) -> Balances {
        try run("balances") { state, now in state.balances(at: now) }
    }

    public func effects(_ ids: [JobID]) async throws(LedgerError) -> Set<JobID> {
        try run("effects") { state, _ in Set(ids.filter { state.effects[$0] != nil }) }
    }

    public func record(run report: ReconcileRun) async throws(LedgerError) {
        try run("reconcileRun") { state, _ in state.record(report) }
    }

    // MARK: - Duties

    public func report(_ duties: [DutyReport], holder: String) async throws(LedgerError) {
        try run("report") { state, now in
            for duty in duties { state.duties[duty.name, default: KeptDuty(now)].take(duty, holder, at: now) }
        }
    }

    public func duties() async throws(LedgerError) -> [DutyStanding] {
        try run("duties") { state, now in
            state.duties.sorted { $0.key < $1.key }.map { $0.value.standing($0.key, at: now) }
        }
    }

    public func lease(_ wish: LeaseWish) async throws(LedgerError) -> LeaseAnswer {
        try run("lease") { state, now in state.leases[wish.name, default: KeptLease()].ask(wish, at: now) }
    }

    public func endLease(_ name: String, token: JobID) async throws(LedgerError) {
        try run("endLease") { state, _ in
            if state.leases[name]?.token == token { state.leases[name] = nil }
        }
    }

    public func close() async { shared.withLock { $0.isClosed = true } }
}

extension MemoryLedger: LedgerRecordLayout {
    public func recordLayout() async throws(LedgerError) -> Int {
        try run("recordLayout") { state, _ in state.recordLayout }
    }
    public func raiseRecordLayout(to layout: Int) async throws(LedgerError) {
        try run("raiseRecordLayout") { state, _ in state.recordLayout = max(state.recordLayout, layout) }
    }
}
