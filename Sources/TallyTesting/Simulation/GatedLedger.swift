import Synchronization
import TallyCore

/// A ledger with a gate before each call. A relay claims one row at a time and passes the gate twice: before its
/// claim and between its push and its delete, where a crash leaves the row.
package struct GatedLedger: LedgerDriver {
    private let base: LedgerStore
    private let gate: any CallGate

    /// This ledger behind a gate.
    package init(_ base: any LedgerDriver, gate: any CallGate) {
        self.base = base.store
        self.gate = gate
    }

    /// The seams that every ledger has, each behind the gate; the base outlives them.
    package var store: LedgerStore { LedgerStore(self, close: {}) }

    private func pass<Answer: Sendable>(
        _ call: SeamCall, _ body: @autoclosure () async throws(LedgerError) -> Answer,
        tracing trace: (Answer) -> CallTrace? = { _ in nil }
    ) async throws(LedgerError) -> Answer {
        let fate = await gate.enter(call)
        if case .isRefused(let code) = fate { throw Self.error(code, call) }
        let answer: Answer
        do {
            answer = try await body()
        } catch {
            await gate.leave(call, nil)
            throw error
        }
        await gate.leave(call, trace(answer))
        if case .losesReply(let code) = fate { throw Self.error(code, call) }
        return answer
    }

    private static func error(_ code: QueueError.Code, _ call: SeamCall) -> LedgerError {
        LedgerError(LedgerError.Code(rawValue: code.rawValue) ?? .unavailable, call.rawValue, "injected")
    }
}

extension GatedLedger: Recording, LedgerOutbox, MirrorApplication, LedgerControl, LedgerInspection,
    Reconciliation
{
    package func record(_ jobs: [JobRecord], together: Bool) async throws(LedgerError) -> RecordReceipt {
        try await pass(
            .record, await base.recording.record(jobs, together: together)
        ) { .recorded(jobs, $0) }
    }
    package func finishOutbox(_ ids: [OutboxID]) async throws(LedgerError) {
        for id in ids { gate.wants(id) }
        try await pass(.finishOutbox, await base.outbox.finishOutbox(ids))
    }
    package func relay(
        _ claim: RelayClaim, push: @Sendable (OutboxRow) async throws -> RelayVerdict
    ) async throws(LedgerError) -> RelayPass {
        let fate = await gate.enter(.relay)
        if case .isRefused(let code) = fate { throw Self.error(code, .relay) }
        let end = Mutex<CallFate>(.goes)
        let gate = self.gate
        let claimed = Mutex<OutboxID?>(nil)
        defer { claimed.withLock { $0.map { gate.hold($0, false) } } }
        var answer: RelayPass
        var claim = claim
        claim.rows = 1
        do {
            answer = try await base.outbox.relay(claim) { row in
                claimed.withLock { $0 = row.id }
                gate.hold(row.id, true)
                await gate.leave(.relay, nil)
                let verdict = try await push(row)
                let fate = await gate.enter(.relayDelete)
                end.withLock { $0 = fate }
                if case .isRefused = fate { return RelayVerdict(left: row.pushes.map(\.record.id)) }
                return verdict
            }
        } catch {
            await gate.leave(.relayDelete, nil)
            throw error
        }
        await gate.leave(.relayDelete, nil)
        answer.next = nil  // one row a step
        switch end.withLock({ $0 }) {
        case .goes: return answer
        case .isRefused(let code), .losesReply(let code): throw Self.error(code, .relayDelete)
        }
    }
    package func cursor(of shard: Shard) async throws(LedgerError) -> LogPosition {
        try await pass(.cursor, await base.mirror.cursor(of: shard))
    }
    package func apply(_ batch: MirrorBatch) async throws(LedgerError) -> Bool {
        try await pass(.apply, await base.mirror.apply(batch)) { .applied(batch, $0) }
    }
    package func requeue(
        _ id: JobID, seen version: Int, runAt: Timestamp?, resetAttempts: Bool, actor: String,
        despiteEffect: Bool
    ) async throws(LedgerError) -> RequeueAnswer {
        try await pass(
            .requeue,
            await base.control.requeue(
                id, seen: version, runAt: runAt, resetAttempts: resetAttempts, actor: actor,
                despiteEffect: despiteEffect)
        ) { .requeued(id, seen: version, $0) }
    }
    package func recordCancel(
        _ id: JobID, version: Int, epoch: Int64, shard: Shard
    ) async throws(LedgerError) -> RecordCancelAnswer {
        try await pass(
            .recordCancel,
            await base.control.recordCancel(id, version: version, epoch: epoch, shard: shard)
        ) { .cancelRecorded(id, version: version, $0) }
    }
    package func jobs(_ ids: [JobID]) async throws(LedgerError) -> [JobID: JobSnapshot] {
        try await pass(.read, await base.inspection.jobs(ids))
    }
    package func events(_ id: JobID) async throws(LedgerError) -> [JobEvent] {
        try await pass(.read, await base.inspection.events(id))
    }
    package func list(_ query: JobQuery) async throws(LedgerError) -> JobPage {
        try await pass(.read, await base.inspection.list(query))
    }
    package func workers() async throws(LedgerError) -> [WorkerRow] {
        try await pass(.read, await base.inspection.workers())
    }
    package func balances() async throws(LedgerError) -> Balances {
        try await pass(.read, await base.inspection.balances())
    }
    package func active(after id: JobID, limit: Int) async throws(LedgerError) -> [LedgerView] {
        try await pass(.read, await base.reconciliation.active(after: id, limit: limit))
    }
    package func views(_ ids: [JobID]) async throws(LedgerError) -> [JobID: LedgerView] {
        try await pass(.read, await base.reconciliation.views(ids))
    }
    package func record(run: ReconcileRun) async throws(LedgerError) {
        try await pass(.run, await base.reconciliation.record(run: run))
    }
}
