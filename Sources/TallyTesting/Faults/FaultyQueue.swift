import Synchronization
import TallyCore

/// A queue that fails on command, for tests of everything that stands above the seams. Untouched calls go through.
///
///     let queue = FaultyQueue(MemoryQueue())
///     queue.inject(.dropReply, on: .settle)      // the next settlement happens, and its caller gets `.uncertain`
public final class FaultyQueue: QueueDriver {
    /// What a call meets.
    public enum Fault: Hashable, Sendable {
        /// Nothing happens; the caller gets this code.
        case refuse(QueueError.Code)
        /// The call happens; the caller gets `.uncertain`.
        case dropReply
    }
    /// The verbs of the seams.
    public enum Call: String, Hashable, Sendable, CaseIterable {
        /// Calls that clients, workers and operators make.
        case push, stamp, reserve, extend, settle, wait, heartbeat, cancel, promote, reclaim, pause, change
        /// Calls that the mirror, the reconciler and commands make.
        case history, open, log, report, inspect, counts, scan, repair
        /// Every question which half keeps unique keys, every word on which queue it is and which layout it takes.
        case keys, pairing, recordLayout
        /// What a sweep of the reconciler asks of the structures and changes there, and the fence before it.
        case structures, mend, fence
        /// The check of the server's settings and of its keys, and the reports of duties where no ledger keeps them.
        case verify, duties
    }

    private struct Plan: Sendable {
        var faults = FaultPlan<Call, Fault>()
        var outage: QueueError.Code?
    }
    private let base: QueueStore
    private let plan = Mutex(Plan())

    /// A queue in front of `base`.
    public init(_ base: any QueueDriver) { self.base = base.store }

    /// The seams that every queue has, and of the others those that `base` has.
    public var store: QueueStore {
        var store = QueueStore(self, close: base.close)
        store.part = base.part
        if base.inspection != nil { store.inspection = self }
        if base.repair != nil { store.repair = self }
        store.keyHomes = base.keyHomes.map { FaultyKeyHomes(base: $0, queue: self) }
        store.pairing = base.pairing.map { FaultyPairing(base: $0, queue: self) }
        store.recordLayout = base.recordLayout.map { FaultyRecordLayout(base: $0, queue: self) }
        store.fencing = base.fencing.map { FaultyFencing(base: $0, queue: self) }
        store.structures = base.structures.map { FaultyStructures(base: $0, queue: self) }
        store.verification = base.verification.map { FaultyVerification(base: $0, queue: self) }
        store.foreignKeys = base.foreignKeys.map { FaultyForeignKeys(base: $0, queue: self) }
        store.changes = base.changes.map { FaultyChanges(base: $0, queue: self) }
        store.types = base.types.map { FaultyTypes(base: $0, queue: self) }
        store.duties = base.duties.map { FaultyDuties(base: $0, queue: self) }
        return store
    }

    /// From the `nth` call of this kind on, 1 being the next, `times` calls meet the fault; faults queue up.
    public func inject(_ fault: Fault, on call: Call, at nth: Int = 1, times: Int = 1) {
        plan.withLock { $0.faults.add(fault, on: call, from: nth, times: times) }
    }

    /// Every call fails with this code until nil is set.
    public func setOutage(_ code: QueueError.Code?) { plan.withLock { $0.outage = code } }

    /// How often the call was made, faults included.
    public func count(of call: Call) -> Int { plan.withLock { $0.faults.count(of: call) } }

    private func fault(_ call: Call) throws(QueueError) -> Fault? {
        let fault: Fault? = plan.withLock { plan in
            if let code = plan.outage {
                plan.faults.count(call)
                return .refuse(code)
            }
            return plan.faults.next(call)
        }
        if case .refuse(let code)? = fault { throw QueueError(code, call.rawValue, "injected") }
        return fault
    }

    func pass<Answer: Sendable>(
        _ call: Call, _ body: @autoclosure () async throws(QueueError) -> Answer
    ) async throws(QueueError) -> Answer {
        let fault = try fault(call)
        let answer = try await body()
        if fault == .dropReply {
            throw QueueError(.uncertain, call.rawValue, "injected: the reply was dropped")
        }
        return answer
    }
}

extension FaultyQueue: Enqueueing, Leasing, TransitionLog, QueueControl, QueueInspection, QueueRepairing {
    public func push(_ jobs: [Push], issued: Issued?) async throws(QueueError) -> [PushAnswer] {
        try await pass(.push, await base.enqueueing.push(jobs, issued: issued))
    }
    public func stamp() async throws(QueueError) -> Issued {
        try await pass(.stamp, await base.enqueueing.stamp())
    }
    public func reserve(_ wish: ReserveWish) async throws(QueueError) -> Reservation {
        try await pass(.reserve, await base.leasing.reserve(wish))
    }
    public func extend(_ leases: [Lease], by length: Duration) async throws(QueueError) -> [ExtendAnswer] {
        try await pass(.extend, await base.leasing.extend(leases, by: length))
    }
    public func settle(_ settlements: [Settlement]) async throws(QueueError) -> [SettleAnswer] {
        try await pass(.settle, await base.leasing.settle(settlements))
    }
    public func wait(for queues: [QueueName], upTo time: Duration) async throws {
        _ = try fault(.wait)
        try await base.leasing.wait(for: queues, upTo: time)
    }
    @discardableResult
    public func heartbeat(_ beat: WorkerBeat) async throws(QueueError) -> BeatAnswer {
        try await pass(.heartbeat, await base.leasing.heartbeat(beat))
    }
    public func log(
        after position: LogPosition, limit: Int, bytes: Int
    ) async throws(QueueError) -> [LogEntry] {
        try await pass(.log, await base.transitions.log(after: position, limit: limit, bytes: bytes))
    }
    public func report(applied position: LogPosition) async throws(QueueError) {
        try await pass(.report, await base.transitions.report(applied: position))
    }
    public func history() async throws(QueueError) -> QueueHistory {
        try await pass(.history, await base.transitions.history())
    }
    public func open(epoch: Int64) async throws(QueueError) {
        try await pass(.open, await base.transitions.open(epoch: epoch))
    }
    public func cancel(
        _ id: JobID, tombstone: (version: Int, issued: Issued)?
    ) async throws(QueueError) -> CancelAnswer {
        try await pass(.cancel, await base.control.cancel(id, tombstone: tombstone))
    }
    public func cancelWaiting(
        _ ids: [JobID], tombstones: [JobID: Int], issued: Issued?
    ) async throws(QueueError) -> [CancelWaitingAnswer] {
        try await pass(
            .cancel, await base.control.cancelWaiting(ids, tombstones: tombstones, issued: issued))
    }
    public func pause(_ queue: QueueName, _ paused: Bool) async throws(QueueError) {
        try await pass(.pause, await base.control.pause(queue, paused))
    }
    public func promote(_ limit: Int) async throws(QueueError) -> Int {
        try await pass(.promote, await base.control.promote(limit))
    }
    public func reclaim(_ limit: Int) async throws(QueueError) -> Int {
        try await pass(.reclaim, await base.control.reclaim(limit))
    }
    public func inspect(_ ids: [JobID], bodies: QueueView.Bodies) async throws(QueueError) -> QueueView {
        try await pass(.inspect, await inspected().inspect(ids, bodies: bodies))
    }
    public func counts() async throws(QueueError) -> [QueueCounts] {
        try await pass(.counts, await inspected().counts())
    }
    public func scan(_ cursor: String, limit: Int) async throws(QueueError) -> (ids: [JobID], next: String?) {
        try await pass(.scan, await inspected().scan(cursor, limit: limit))
    }
    public func repair(_ repairs: [QueueRepair]) async throws(QueueError) -> [Bool] {
        guard let repair = base.repair else { throw QueueError(.unsupported, "repair") }
        return try await pass(.repair, await repair.repair(repairs))
    }
    private func inspected() throws(QueueError) -> any QueueInspection {
        guard let inspection = base.inspection else { throw QueueError(.unsupported, "inspect") }
        return inspection
    }
}
