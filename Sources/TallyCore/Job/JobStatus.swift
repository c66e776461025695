/// Where a job stands. The raw value is the ADR's `status`; the code is its one byte in Redis and in the log.
public enum JobStatus: String, Sendable, CaseIterable, Codable {
    /// It waits for its time. Next: `pending` when that comes, or `cancelled`.
    case scheduled
    /// It is runnable now. Next: `processing` by a lease, or `cancelled`.
    case pending
    /// It is leased to a worker. Next: `completed`, `retrying`, `failed`, `cancelled`; or `pending` or `scheduled`
    /// when the worker releases it or its lease runs out.
    case processing
    /// It failed and waits for its next attempt. Next: `pending` when that comes, or `cancelled`.
    case retrying
    /// Its handler succeeded, or had its effect committed. It never runs again.
    case completed
    /// It is out of attempts or of leases, or failed for good: the dead-letter set. Next: `pending` or `scheduled` by
    /// a requeue.
    case failed
    /// It was cancelled before it could complete. It never runs again.
    case cancelled

    /// Whether it has ended: then only the ledger keeps it, and only a requeue of a failed job moves it again.
    public var isTerminal: Bool {
        switch self {
        case .completed, .failed, .cancelled: true
        case .scheduled, .pending, .processing, .retrying: false
        }
    }

    /// Its one byte in Redis, in the log and in the letters that functions answer.
    package var code: UInt8 {
        switch self {
        case .scheduled: UInt8(ascii: "s")
        case .pending: UInt8(ascii: "p")
        case .processing: UInt8(ascii: "l")
        case .retrying: UInt8(ascii: "r")
        case .completed: UInt8(ascii: "c")
        case .failed: UInt8(ascii: "f")
        case .cancelled: UInt8(ascii: "x")
        }
    }

    /// The status of a byte; nil for one that no function writes.
    package init?(code: UInt8) {
        guard let status = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = status
    }
}

/// What moves a job from one status to the next.
public enum Verb: String, Sendable, CaseIterable, Codable {
    /// The transitions, named as the calls are that make them; `repair` is the reconciler's, and may lead anywhere.
    case push, lease, extend, ack, retry, fail, release, cancel, promote, reclaim, requeue, repair
    /// A worker reports itself. Moves no job.
    case heartbeat
    /// Redis began a new history. Moves no job.
    case epoch

    /// Its one byte in a log entry.
    package var code: UInt8 {
        switch self {
        case .push: UInt8(ascii: "P")
        case .lease: UInt8(ascii: "L")
        case .extend: UInt8(ascii: "E")
        case .ack: UInt8(ascii: "A")
        case .retry: UInt8(ascii: "T")
        case .fail: UInt8(ascii: "F")
        case .release: UInt8(ascii: "R")
        case .cancel: UInt8(ascii: "X")
        case .promote: UInt8(ascii: "M")
        case .reclaim: UInt8(ascii: "C")
        case .requeue: UInt8(ascii: "Q")
        case .repair: UInt8(ascii: "D")
        case .heartbeat: UInt8(ascii: "H")
        case .epoch: UInt8(ascii: "N")
        }
    }

    /// The verb of a byte; nil for one that no function writes.
    package init?(code: UInt8) {
        guard let verb = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = verb
    }
}

/// The one table of legal transitions. SQL checks, the Lua functions and the memory queue are tested against it.
public enum Transition {
    /// `from` is nil for a job that the queue did not hold before.
    public static let table: [(verb: Verb, from: JobStatus?, to: JobStatus)] = [
        (.push, nil, .pending), (.push, nil, .scheduled),
        // A requeue's push at a higher version replaces what the queue still holds.
        (.push, .scheduled, .pending), (.push, .pending, .pending), (.push, .processing, .pending),
        (.push, .retrying, .pending),
        (.push, .scheduled, .scheduled), (.push, .pending, .scheduled), (.push, .processing, .scheduled),
        (.push, .retrying, .scheduled),
        (.promote, .scheduled, .pending), (.promote, .retrying, .pending),
        (.lease, .pending, .processing),
        (.ack, .processing, .completed),
        (.retry, .processing, .retrying), (.retry, .processing, .pending), (.retry, .processing, .cancelled),
        (.fail, .processing, .failed), (.fail, .processing, .cancelled),
        (.release, .processing, .scheduled), (.release, .processing, .pending),
        (.release, .processing, .cancelled),
        (.reclaim, .processing, .pending), (.reclaim, .processing, .failed),
        (.reclaim, .processing, .cancelled),
        (.cancel, .scheduled, .cancelled), (.cancel, .pending, .cancelled), (.cancel, .retrying, .cancelled),
        (.cancel, .processing, .processing), (.cancel, nil, .cancelled),
        (.requeue, .failed, .pending), (.requeue, .failed, .scheduled),
    ]

    /// Whether the table has this transition. A repair is always legal: it exists to leave a state that the table
    /// cannot.
    public static func isLegal(_ verb: Verb, from: JobStatus?, to: JobStatus) -> Bool {
        verb == .repair || table.contains { $0.verb == verb && $0.from == from && $0.to == to }
    }
}
