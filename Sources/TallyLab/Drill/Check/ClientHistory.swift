import Foundation
import Glibc
import Synchronization
import TallyServers
import Tallystick

/// One enqueue call: `count` jobs with consecutive ids. The lowest ten bits of an id are its place in its call.
struct DrillBatch: Hashable, Sendable {
    enum Kind: String, Sendable { case mixed, plain, herd, cancelled, unique, hostile, poison }
    enum Outcome: String, Sendable {
        /// Under way, or its caller ended.
        case invoked
        /// Acknowledged.
        case ok
        /// Refused: nothing happened.
        case fail
        /// Unknown.
        case info
    }
    static let most = 1024

    var base: JobID
    var count: Int
    var kind: Kind
    var outcome = Outcome.invoked
    var runAt: Timestamp?
    /// A cancellation of its only job was acknowledged before it could start.
    var isCancelled = false

    /// A base for new ids: made now, with ten bits left free.
    static func base() -> JobID {
        let id = JobID()
        return JobID(high: id.high, low: id.low & ~UInt64(most - 1))
    }

    func id(_ place: Int) -> JobID { JobID(high: base.high, low: base.low + UInt64(place)) }
    static func base(of id: JobID) -> JobID { JobID(high: id.high, low: id.low & ~UInt64(most - 1)) }
    static func place(of id: JobID) -> Int { Int(id.low & UInt64(most - 1)) }

    /// What the job at a place of a mixed call is.
    func type(_ place: Int) -> JobType {
        switch kind {
        case .plain, .herd, .cancelled, .unique: return DrillJobs.plain
        case .hostile: return DrillJobs.hostile
        case .poison: return DrillJobs.poison
        case .mixed:
            switch place % 100 {
            case 7: return DrillJobs.flaky
            case 11, 61: return DrillJobs.slow
            case 13: return DrillJobs.fenced
            default: return DrillJobs.plain
            }
        }
    }
}

/// What the clients did, as they saw it: in memory for the checker, and on file, a line a step: µs of the monotonic
/// clock, step, kind, base id, count.
final class ClientHistory: Sendable {
    private let state = Mutex<(batches: [DrillBatch], acknowledged: Int)>(([], 0))
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw ServerProblem("cannot open \(path)") }
    }

    var batches: [DrillBatch] { state.withLock { $0.batches } }
    /// Jobs acknowledged so far.
    var acknowledged: Int { state.withLock { $0.acknowledged } }

    func invoke(_ batch: DrillBatch) -> Int {
        note("invoke", batch)
        return state.withLock { state in
            state.batches.append(batch)
            return state.batches.count - 1
        }
    }

    func end(_ index: Int, _ outcome: DrillBatch.Outcome) {
        let batch = state.withLock { state in
            state.batches[index].outcome = outcome
            if outcome == .ok { state.acknowledged += state.batches[index].count }
            return state.batches[index]
        }
        note(outcome.rawValue, batch)
    }

    func cancelled(_ index: Int) {
        let batch = state.withLock { state in
            state.batches[index].isCancelled = true
            return state.batches[index]
        }
        note("cancelled", batch)
    }

    private func note(_ step: String, _ batch: DrillBatch) {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let at = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
        let line = Array("\(at) \(step) \(batch.kind.rawValue) \(batch.base) \(batch.count)\n".utf8)
        _ = write(descriptor, line, line.count)  // the checker's copy is in memory
    }
}
