/// Where a job stands. The raw value is the ADR's `status`; the code is its one byte in Redis and in the log.
public enum JobStatus: String, Sendable, CaseIterable, Codable {
    /// Waits for its time.
    case scheduled
    /// Runnable now.
    case pending
    /// Leased to a worker.
    case processing
    /// Failed, waits for its next attempt.
    case retrying
    case completed
    /// Out of attempts, or failed for good: the dead-letter set.
    case failed
    case cancelled

    public var isTerminal: Bool {
        switch self {
        case .completed, .failed, .cancelled: true
        case .scheduled, .pending, .processing, .retrying: false
        }
    }

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

    package init?(code: UInt8) {
        guard let status = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = status
    }
}

/// What moves a job from one status to the next.
public enum Verb: String, Sendable, CaseIterable, Codable {
    case push, lease, extend, ack, retry, fail, release, cancel, promote, reclaim, requeue, repair
    /// A worker reports itself. Moves no job.
    case heartbeat
    /// Redis began a new history. Moves no job.
    case epoch

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

    public static func isLegal(_ verb: Verb, from: JobStatus?, to: JobStatus) -> Bool {
        verb == .repair || table.contains { $0.verb == verb && $0.from == from && $0.to == to }
    }
}
