import Synchronization
import TallyCore

/// A queue that fails on command, for tests of everything that stands above the seam. Untouched calls go through.
///
///     let queue = FaultyQueue(MemoryQueue())
///     queue.inject(.dropReply, on: .ack)      // the next ack happens, and its caller gets `.uncertain`
public final class FaultyQueue: Sendable {
    /// What a call meets.
    public enum Fault: Hashable, Sendable {
        /// Nothing happens; the caller gets this code.
        case refuse(QueueError.Code)
        /// The call happens; the caller gets `.uncertain`.
        case dropReply
    }
    /// The verbs of the seam.
    public enum Call: String, Hashable, Sendable, CaseIterable {
        case push, reserve, extend, ack, retry, fail, release, cancel, promote, reclaim, pause, heartbeat,
            wait, stamp
        case history, open, log, report, inspect, counts, scan, repair
    }

    private struct Plan: Sendable {
        var faults = FaultPlan<Call, Fault>()
        var outage: QueueError.Code?
    }
    private let base: any InspectableQueue
    private let plan = Mutex(Plan())

    /// A queue in front of `base`.
    public init(_ base: any InspectableQueue) { self.base = base }

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

    private func pass<Answer: Sendable>(
        _ call: Call, _ body: () async throws(QueueError) -> Answer
    ) async throws(QueueError) -> Answer {
        let fault = try fault(call)
        let answer = try await body()
        if fault == .dropReply {
            throw QueueError(.uncertain, call.rawValue, "injected: the reply was dropped")
        }
        return answer
    }

}

extension FaultyQueue: InspectableQueue {
    public func push(_ jobs: [Push], issued: Issued?, at now: Timestamp?) async throws(QueueError)
        -> [PushAnswer]
    {
        try await pass(.push) { () throws(QueueError) in try await base.push(jobs, issued: issued, at: now) }
    }
    public func reserve(_ wish: ReserveWish, at now: Timestamp?) async throws(QueueError) -> Reservation {
        try await pass(.reserve) { () throws(QueueError) in try await base.reserve(wish, at: now) }
    }
    public func extend(
        _ leases: [Lease], by length: Duration, at now: Timestamp?
    ) async throws(QueueError) -> [ExtendAnswer] {
        try await pass(.extend) { () throws(QueueError) in try await base.extend(leases, by: length, at: now)
        }
    }
    public func ack(_ acks: [Ack], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await pass(.ack) { () throws(QueueError) in try await base.ack(acks, at: now) }
    }
    public func retry(_ retries: [Retry], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await pass(.retry) { () throws(QueueError) in try await base.retry(retries, at: now) }
    }
    public func fail(_ failures: [Failure], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await pass(.fail) { () throws(QueueError) in try await base.fail(failures, at: now) }
    }
    public func release(_ releases: [Release], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer]
    {
        try await pass(.release) { () throws(QueueError) in try await base.release(releases, at: now) }
    }
    public func cancel(
        _ id: JobID, tombstone: (version: Int, issued: Issued)?, at now: Timestamp?
    ) async throws(QueueError) -> CancelAnswer {
        try await pass(.cancel) { () throws(QueueError) in
            try await base.cancel(id, tombstone: tombstone, at: now)
        }
    }
    public func promote(_ limit: Int, at now: Timestamp?) async throws(QueueError) -> Int {
        try await pass(.promote) { () throws(QueueError) in try await base.promote(limit, at: now) }
    }
    public func reclaim(_ limit: Int, at now: Timestamp?) async throws(QueueError) -> Int {
        try await pass(.reclaim) { () throws(QueueError) in try await base.reclaim(limit, at: now) }
    }
    public func pause(_ queue: QueueName, _ paused: Bool) async throws(QueueError) {
        try await pass(.pause) { () throws(QueueError) in try await base.pause(queue, paused) }
    }
    public func heartbeat(_ beat: WorkerBeat, at now: Timestamp?) async throws(QueueError) {
        try await pass(.heartbeat) { () throws(QueueError) in try await base.heartbeat(beat, at: now) }
    }
    public func wait(for queues: [QueueName], upTo time: Duration) async throws {
        _ = try fault(.wait)
        try await base.wait(for: queues, upTo: time)
    }
    public func stamp() async throws(QueueError) -> Issued {
        try await pass(.stamp) { () throws(QueueError) in try await base.stamp() }
    }
    public func history() async throws(QueueError) -> QueueHistory {
        try await pass(.history) { () throws(QueueError) in try await base.history() }
    }
    public func open(epoch: Int64) async throws(QueueError) {
        try await pass(.open) { () throws(QueueError) in try await base.open(epoch: epoch) }
    }
    public func log(after position: LogPosition, limit: Int, bytes: Int) async throws(QueueError)
        -> [LogEntry]
    {
        try await pass(.log) { () throws(QueueError) in
            try await base.log(after: position, limit: limit, bytes: bytes)
        }
    }
    public func report(applied position: LogPosition, at now: Timestamp?) async throws(QueueError) {
        try await pass(.report) { () throws(QueueError) in try await base.report(applied: position, at: now) }
    }
    public func close() async { await base.close() }

    public func inspect(_ ids: [JobID], bodies: QueueView.Bodies, at now: Timestamp?) async throws(QueueError)
        -> QueueView
    {
        try await pass(.inspect) { () throws(QueueError) in
            try await base.inspect(ids, bodies: bodies, at: now)
        }
    }
    public func counts(at now: Timestamp?) async throws(QueueError) -> [QueueCounts] {
        try await pass(.counts) { () throws(QueueError) in try await base.counts(at: now) }
    }
    public func scan(_ cursor: String, limit: Int) async throws(QueueError) -> (ids: [JobID], next: String?) {
        try await pass(.scan) { () throws(QueueError) in try await base.scan(cursor, limit: limit) }
    }
    public func repair(_ repairs: [QueueRepair]) async throws(QueueError) -> [Bool] {
        try await pass(.repair) { () throws(QueueError) in try await base.repair(repairs) }
    }
}
