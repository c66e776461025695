import TallyCore

/// A queue with a gate before each call. A worker's wait goes through: it changes nothing. The seams that a queue may
/// lack are left out: a schedule is made of calls that every queue has.
package struct GatedQueue: QueueDriver {
    private let base: InspectedQueue
    private let gate: any CallGate

    /// This queue behind a gate.
    package init(_ base: InspectedQueue, gate: any CallGate) {
        self.base = base
        self.gate = gate
    }

    /// The seams that the simulation uses, each behind the gate; the base outlives them.
    package var store: QueueStore {
        var store = QueueStore(self, close: {})
        store.part = base.part
        store.inspection = self
        store.repair = self
        return store
    }

    private func pass<Answer: Sendable>(
        _ call: SeamCall, _ body: @autoclosure () async throws(QueueError) -> Answer,
        tracing trace: (Answer) -> CallTrace? = { _ in nil }
    ) async throws(QueueError) -> Answer {
        let fate = await gate.enter(call)
        if case .isRefused(let code) = fate { throw QueueError(code, call.rawValue, "injected") }
        let answer: Answer
        do {
            answer = try await body()
        } catch {
            await gate.leave(call, nil)
            throw error
        }
        await gate.leave(call, trace(answer))
        if case .losesReply(let code) = fate {
            throw QueueError(code, call.rawValue, "injected: the reply was lost")
        }
        return answer
    }
}

extension GatedQueue: Enqueueing, Leasing, TransitionLog, QueueControl, QueueInspection, QueueRepairing {
    package func push(_ jobs: [Push], issued: Issued?) async throws(QueueError) -> [PushAnswer] {
        try await pass(.push, await base.enqueueing.push(jobs, issued: issued)) { .pushed(jobs, $0) }
    }
    package func stamp() async throws(QueueError) -> Issued {
        try await pass(.stamp, await base.enqueueing.stamp())
    }
    package func reserve(_ wish: ReserveWish) async throws(QueueError) -> Reservation {
        try await pass(.reserve, await base.leasing.reserve(wish)) { .reserved($0) }
    }
    package func extend(_ leases: [Lease], by length: Duration) async throws(QueueError) -> [ExtendAnswer] {
        try await pass(.extend, await base.leasing.extend(leases, by: length)) { .extended(leases, $0) }
    }
    package func settle(_ settlements: [Settlement]) async throws(QueueError) -> [SettleAnswer] {
        guard let first = settlements.first else { return [] }
        return try await pass(
            SeamCall(first), await base.leasing.settle(settlements)
        ) { .settled(settlements, $0) }
    }
    package func wait(for queues: [QueueName], upTo time: Duration) async throws {
        try await base.leasing.wait(for: queues, upTo: time)
    }
    @discardableResult
    package func heartbeat(_ beat: WorkerBeat) async throws(QueueError) -> BeatAnswer {
        try await pass(.heartbeat, await base.leasing.heartbeat(beat))
    }
    package func log(
        after position: LogPosition, limit: Int, bytes: Int
    ) async throws(QueueError) -> [LogEntry] {
        try await pass(.log, await base.transitions.log(after: position, limit: limit, bytes: bytes))
    }
    package func report(applied position: LogPosition) async throws(QueueError) {
        try await pass(.report, await base.transitions.report(applied: position))
    }
    package func history() async throws(QueueError) -> QueueHistory {
        try await pass(.history, await base.transitions.history())
    }
    package func open(epoch: Int64) async throws(QueueError) {
        try await pass(.open, await base.transitions.open(epoch: epoch)) { .opened(epoch) }
    }
    package func cancel(
        _ id: JobID, tombstone: (version: Int, issued: Issued)?
    ) async throws(QueueError) -> CancelAnswer {
        try await pass(.cancel, await base.control.cancel(id, tombstone: tombstone)) { .cancelled(id, $0) }
    }
    package func cancelWaiting(
        _ ids: [JobID], tombstones: [JobID: Int], issued: Issued?
    ) async throws(QueueError) -> [CancelWaitingAnswer] {
        try await pass(
            .cancel, await base.control.cancelWaiting(ids, tombstones: tombstones, issued: issued))
    }
    package func pause(_ queue: QueueName, _ paused: Bool) async throws(QueueError) {
        try await pass(.pause, await base.control.pause(queue, paused))
    }
    package func promote(_ limit: Int) async throws(QueueError) -> Int {
        try await pass(.promote, await base.control.promote(limit))
    }
    package func reclaim(_ limit: Int) async throws(QueueError) -> Int {
        try await pass(.reclaim, await base.control.reclaim(limit))
    }
    package func inspect(_ ids: [JobID], bodies: QueueView.Bodies) async throws(QueueError) -> QueueView {
        try await pass(.inspect, await base.inspection.inspect(ids, bodies: bodies))
    }
    package func counts() async throws(QueueError) -> [QueueCounts] {
        try await pass(.counts, await base.inspection.counts())
    }
    package func scan(
        _ cursor: String, limit: Int
    ) async throws(QueueError) -> (ids: [JobID], next: String?) {
        try await pass(.scan, await base.inspection.scan(cursor, limit: limit))
    }
    package func repair(_ repairs: [QueueRepair]) async throws(QueueError) -> [Bool] {
        try await pass(.repair, await base.repair.repair(repairs)) { .repaired(repairs, $0) }
    }
}
