import Synchronization
import TallyCore

/// An invariant that did not hold. The seed shows it again.
package struct SimulationViolation: Error, Sendable, CustomStringConvertible {
    /// The seed of the run.
    package var seed: UInt64
    /// The step of the run in which it showed.
    package var step: Int
    /// I1 to I9 of the protocol model.
    package var invariant: String
    /// What was seen instead.
    package var text: String
    /// The last steps before it.
    package var trace: [String]

    package var description: String {
        "seed \(seed), step \(step): \(invariant) broken: \(text)\n  " + trace.joined(separator: "\n  ")
    }
}

/// What the simulation remembers and no actor reads: the auxiliary state of the protocol model, kept from the
/// queue's log and from what the calls truly answered.
final class Oracle: Sendable {
    /// What Redis holds of a job. It goes back with Redis' data.
    struct Live: Hashable {
        var status: JobStatus
        var version: Int
        /// Of the lease.
        var epoch: Int64 = 0
        var expiresAt = Timestamp(microseconds: 0)
    }
    /// Redis' side of the books: copied with its data.
    struct Redis {
        var live: [JobID: Live] = [:]
        var position = LogPosition.start
        var opened: Set<Int64> = []
    }
    struct Expectation {
        var number: Int
        var isRecorded: Bool
        var isAcknowledged = false
        var isCancelled = false
        /// The last accepted end, and whether the ledger has it.
        var done: (version: Int, isMirrored: Bool)?
        var requeued = 0
        var requeuesSeen: Set<Int> = []
        var effects = 0
        var row: RowGuard?
        /// Steps that the log told, while nothing was lost.
        var steps: [String] = []
    }
    struct State {
        var redis = Redis()
        var expectations: [JobID: Expectation] = [:]
        var order: [JobID] = []
        var hasLoss = false
        var topEpoch: Int64 = 0
        var reruns = 0
        var repairs = 0
        var broken: (invariant: String, text: String)?
        var trace: [String] = []
        /// Expiries that an extend told, until the log is read.
        var lease = Limits.lease
    }
    let state = Mutex(State())
    /// The time that ids carry.
    let began = Timestamp.now

    // MARK: - Jobs

    func add(_ ids: [JobID], isRecorded: Bool) {
        state.withLock { state in
            for id in ids where state.expectations[id] == nil {
                state.order.append(id)
                state.expectations[id] = Expectation(number: state.order.count, isRecorded: isRecorded)
            }
        }
    }
    func acknowledge(_ ids: [JobID]) {
        state.withLock { for id in ids { $0.expectations[id]?.isAcknowledged = true } }
    }
    func cancelled(_ id: JobID) { state.withLock { $0.expectations[id]?.isCancelled = true } }

    /// Jobs in the order of their making, of those the ones whose ledger row is so.
    func jobs(_ status: JobStatus? = nil) -> [JobID] {
        state.withLock { state in
            state.order.filter { status == nil || state.expectations[$0]?.row?.status == status }
        }
    }

    // MARK: - Loss

    func lose(to redis: Redis) {
        state.withLock {
            $0.hasLoss = true
            $0.redis = redis
        }
    }
    var redis: Redis { state.withLock { $0.redis } }
    var hasLoss: Bool { state.withLock { $0.hasLoss } }
    var topEpoch: Int64 { state.withLock { $0.topEpoch } }

    // MARK: - Trace

    func say(_ line: String) {
        state.withLock { state in
            state.trace.append(line)
            if state.trace.count > 400 { state.trace.removeFirst(200) }
        }
    }
    func breaks(_ invariant: String, _ text: String) { state.withLock { $0.breaks(invariant, text) } }

    // MARK: - What the calls answered

    func note(_ trace: CallTrace) {
        state.withLock { state in
            switch trace {
            case .settled(let settlements, let answers):
                for (settlement, answer) in zip(settlements, answers) { state.settled(settlement, answer) }
            case .extended(let leases, let answers):
                for (lease, answer) in zip(leases, answers) {
                    guard case .extended(let longer, _) = answer else { continue }
                    state.checkToken("extend", lease)
                    state.redis.live[lease.id]?.expiresAt = longer.expiresAt
                }
            case .repaired(let repairs, let made):
                for (repair, isMade) in zip(repairs, made) { state.repaired(repair, isMade) }
            case .opened(let epoch): state.redis.opened.insert(epoch)
            case .recorded(let jobs, let receipt):
                for (job, answer) in zip(jobs, receipt.answers) where answer == .recorded {
                    let status: JobStatus = job.runAt == nil ? .pending : .scheduled
                    state.expectations[job.id]?.row = RowGuard(
                        status: status, epoch: 0, version: 1, seq: 0, floor: 0)
                }
            case .applied(let batch, let isApplied):
                state.note("apply \(batch.events.count) events: \(isApplied)")
                if isApplied { for event in batch.events { state.apply(event, batch) } }
            case .requeued(let id, let seen, .requeued(let version)): state.requeued(id, seen, version)
            case .cancelRecorded(let id, let version, .cancelled): state.cancelRecorded(id, version)
            case .completed(let lease, .claimed):
                state.expectations[lease.id]?.effects += 1
                if state.expectations[lease.id]?.effects ?? 0 > 1 {
                    state.breaks("I9", "a second effect of \(state.name(lease.id))")
                }
            default: break
            }
        }
    }
}

extension Oracle.State {
    func name(_ id: JobID) -> String { "job \(expectations[id]?.number ?? 0)" }

    mutating func note(_ line: String) { trace.append("    " + line) }

    mutating func breaks(_ invariant: String, _ text: String) {
        if broken == nil { broken = (invariant, text) }
    }

    fileprivate mutating func repaired(_ repair: QueueRepair, _ isMade: Bool) {
        note("repair \(repair.code) of \(name(repair.id)) made \(isMade)")
        guard isMade else { return }
        repairs += 1
        if !hasLoss { breaks("I8", "a repair without data loss: \(repair.code) of \(name(repair.id))") }
    }

    fileprivate mutating func settled(_ settlement: Settlement, _ answer: SettleAnswer) {
        let (verb, lease) = (settlement.verb, settlement.lease)
        note("\(verb) \(name(lease.id)) v\(lease.version): \(answer)")
        if case .settled = answer { checkToken("\(verb)", lease) }
    }

    /// The token must be the one that is held.
    fileprivate mutating func checkToken(_ what: String, _ lease: Lease) {
        let live = redis.live[lease.id]
        if live?.status != .processing || live?.version != lease.version || live?.epoch != lease.epoch {
            breaks(
                "I6", "\(what) took a stale token of \(name(lease.id)): v\(lease.version), held \(text(live))"
            )
        }
    }

    func text(_ live: Oracle.Live?) -> String { live.map { "\($0.status) v\($0.version)" } ?? "nothing" }

    fileprivate mutating func apply(_ event: JobEvent, _ batch: MirrorBatch) {
        guard var expectation = expectations[event.job] else { return }
        defer { expectations[event.job] = expectation }
        if event.to.isTerminal, let done = expectation.done, event.version >= done.version {
            expectation.done?.isMirrored = true
        }
        guard var row = expectation.row else {
            // The first of a queued job; its record came with the batch.
            if batch.created.contains(where: { $0.record.id == event.job }) {
                expectation.row = RowGuard(
                    status: event.to, epoch: event.position.epoch, version: event.version,
                    seq: event.position.seq, floor: 0)
            }
            return
        }
        guard
            row.yields(
                toEpoch: event.position.epoch, version: event.version, seq: event.position.seq)
        else { return }
        row.status = event.to
        row.epoch = event.position.epoch
        row.version = event.version
        row.seq = event.position.seq
        expectation.row = row
    }

    fileprivate mutating func requeued(_ id: JobID, _ seen: Int, _ version: Int) {
        note("requeued \(name(id)) seen v\(seen)")
        guard var expectation = expectations[id] else { return }
        if !expectation.requeuesSeen.insert(seen).inserted {
            breaks("I7", "\(name(id)) requeued twice at v\(seen)")
        }
        expectation.requeued = max(expectation.requeued, version)
        expectation.row?.status = .pending
        expectation.row?.version = version
        expectation.row?.floor = version
        expectations[id] = expectation
    }

    fileprivate mutating func cancelRecorded(_ id: JobID, _ version: Int) {
        note("ledger says cancelled: \(name(id)) v\(version)")
        guard var expectation = expectations[id], let row = expectation.row else { return }
        if !row.status.isTerminal {
            expectation.row?.status = .cancelled
            expectation.row?.version = version
        }
        if expectation.row?.status == .cancelled {
            expectation.done = (expectation.row?.version ?? version, true)
        }
        expectations[id] = expectation
    }
}
