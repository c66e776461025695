import Synchronization
import TallyCore

/// A ledger that counts, waits and fails on command; untouched calls go through to the one beneath.
package final class SpyLedger: LedgerDriver {
    package enum Call: Hashable, Sendable {
        case record, finishOutbox, relay, cursor, apply, requeue, recordCancel, read, run
    }

    private struct Plan: Sendable {
        var counts: [Call: Int] = [:]
        var faults: [Call: [LedgerError.Code]] = [:]
        /// The call happens, its answer is lost.
        var drops: [Call: Int] = [:]
        var refusesType: JobType?
        var gate: Gate?
        var clock: (@Sendable () -> Timestamp)?
        var mostBytes = 0
    }
    private let base: any LedgerDriver
    private let plan = Mutex(Plan())

    package init(_ base: any LedgerDriver) { self.base = base }

    package func count(of call: Call) -> Int { plan.withLock { $0.counts[call, default: 0] } }
    /// The most bytes of bodies that came in one call of `record`.
    package var mostBytesRecorded: Int { plan.withLock { $0.mostBytes } }
    package func inject(_ code: LedgerError.Code, on call: Call, times: Int = 1) {
        plan.withLock { $0.faults[call, default: []] += Array(repeating: code, count: times) }
    }
    package func dropAnswer(of call: Call) { plan.withLock { $0.drops[call, default: 0] += 1 } }
    /// A batch with such a job is refused for its data, as Postgres does.
    package func refuse(_ type: JobType) { plan.withLock { $0.refusesType = type } }
    /// What the server's clock shows.
    package func setClock(_ clock: @escaping @Sendable () -> Timestamp) { plan.withLock { $0.clock = clock } }
    /// Recording waits here.
    package func holdRecords(at gate: Gate?) { plan.withLock { $0.gate = gate } }

    private func pass<Answer: Sendable>(
        _ call: Call, _ body: () async throws(LedgerError) -> Answer
    ) async throws(LedgerError) -> Answer {
        let (fault, isDropped) = plan.withLock { plan -> (LedgerError.Code?, Bool) in
            plan.counts[call, default: 0] += 1
            if let code = plan.faults[call]?.first {
                plan.faults[call]?.removeFirst()
                return (code, false)
            }
            if let drops = plan.drops[call], drops > 0 {
                plan.drops[call] = drops - 1
                return (nil, true)
            }
            return (nil, false)
        }
        if let fault { throw LedgerError(fault, "\(call)", "injected") }
        let answer = try await body()
        if isDropped { throw LedgerError(.uncertain, "\(call)", "injected: the answer was lost") }
        return answer
    }

    package func record(_ jobs: [JobRecord], together: Bool) async throws(LedgerError)
        -> RecordReceipt
    {
        let (gate, poison) = plan.withLock { plan in
            plan.mostBytes = max(plan.mostBytes, jobs.reduce(0) { $0 + $1.body.count })
            return (plan.gate, plan.refusesType)
        }
        await gate?.wait()
        return try await pass(.record) { () throws(LedgerError) in
            if let poison, jobs.contains(where: { $0.type == poison }) {
                throw LedgerError(.refused, "record", "injected", sqlState: "22P05")
            }
            return try await base.record(jobs, together: together)
        }
    }
    package func clock() async throws(LedgerError) -> Timestamp {
        guard let clock = plan.withLock({ $0.clock }) else { return try await base.clock() }
        return clock()
    }
    package func finishOutbox(_ ids: [OutboxID]) async throws(LedgerError) {
        try await pass(.finishOutbox) { () throws(LedgerError) in try await base.finishOutbox(ids) }
    }
    package func relay(
        _ claim: RelayClaim, push: @Sendable (OutboxRow) async throws -> RelayVerdict
    ) async throws(LedgerError) -> RelayPass {
        try await pass(.relay) { () throws(LedgerError) in
            try await base.relay(claim, push: push)
        }
    }
    package func cursor() async throws(LedgerError) -> LogPosition {
        try await pass(.cursor) { () throws(LedgerError) in try await base.cursor() }
    }
    package func apply(_ batch: MirrorBatch) async throws(LedgerError) -> Bool {
        try await pass(.apply) { () throws(LedgerError) in try await base.apply(batch) }
    }
    package func requeue(
        _ id: JobID, seen version: Int, runAt: Timestamp?, resetAttempts: Bool, actor: String,
        despiteEffect: Bool
    ) async throws(LedgerError) -> RequeueAnswer {
        try await pass(.requeue) { () throws(LedgerError) in
            try await base.requeue(
                id, seen: version, runAt: runAt, resetAttempts: resetAttempts, actor: actor,
                despiteEffect: despiteEffect)
        }
    }
    package func recordCancel(_ id: JobID, version: Int, epoch: Int64) async throws(LedgerError)
        -> RecordCancelAnswer
    {
        try await pass(.recordCancel) { () throws(LedgerError) in
            try await base.recordCancel(id, version: version, epoch: epoch)
        }
    }
    package func jobs(_ ids: [JobID]) async throws(LedgerError) -> [JobID: JobSnapshot] {
        try await pass(.read) { () throws(LedgerError) in try await base.jobs(ids) }
    }
    package func events(_ id: JobID) async throws(LedgerError) -> [JobEvent] {
        try await pass(.read) { () throws(LedgerError) in try await base.events(id) }
    }
    package func list(_ query: JobQuery) async throws(LedgerError) -> JobPage {
        try await pass(.read) { () throws(LedgerError) in try await base.list(query) }
    }
    package func workers() async throws(LedgerError) -> [WorkerRow] {
        try await pass(.read) { () throws(LedgerError) in try await base.workers() }
    }
    package func active(after id: JobID, limit: Int) async throws(LedgerError) -> [LedgerView] {
        try await pass(.read) { () throws(LedgerError) in try await base.active(after: id, limit: limit) }
    }
    package func views(_ ids: [JobID]) async throws(LedgerError) -> [JobID: LedgerView] {
        try await pass(.read) { () throws(LedgerError) in try await base.views(ids) }
    }
    package func balances() async throws(LedgerError) -> Balances {
        try await pass(.read) { () throws(LedgerError) in try await base.balances() }
    }
    package func effects(_ ids: [JobID]) async throws(LedgerError) -> Set<JobID> {
        try await pass(.read) { () throws(LedgerError) in try await base.effects(ids) }
    }
    package func record(run: ReconcileRun) async throws(LedgerError) {
        try await pass(.run) { () throws(LedgerError) in try await base.record(run: run) }
    }
    package func close() async { await base.close() }
}
