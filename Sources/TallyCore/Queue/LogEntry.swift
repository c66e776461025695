/// A place in the log of one shard. Within an epoch `seq` is dense from 1.
public struct LogPosition: Hashable, Sendable, Comparable, CustomStringConvertible {
    public var epoch: Int64
    public var seq: Int64
    public init(epoch: Int64, seq: Int64) {
        self.epoch = epoch
        self.seq = seq
    }
    public static let start = LogPosition(epoch: 0, seq: 0)
    public static func < (a: LogPosition, b: LogPosition) -> Bool { (a.epoch, a.seq) < (b.epoch, b.seq) }
    public var description: String { "\(epoch)-\(seq)" }
}

/// All that one call of the queue changed.
public struct LogEntry: Hashable, Sendable {
    public var position: LogPosition
    public var verb: Verb
    public var at: Timestamp
    /// Who did it: the worker's id, or `reconciler`; nil for clients and the queue's own sweeps.
    public var actor: String?
    public var moves: [Move]
    /// Of a `heartbeat`.
    public var beat: WorkerBeat?
    /// Of an `epoch`: where the history before it ended, as far as Redis still knew.
    public var predecessor: LogPosition?

    public init(
        position: LogPosition, verb: Verb, at: Timestamp, actor: String? = nil, moves: [Move] = [],
        beat: WorkerBeat? = nil, predecessor: LogPosition? = nil
    ) {
        self.position = position
        self.verb = verb
        self.at = at
        self.actor = actor
        self.moves = moves
        self.beat = beat
        self.predecessor = predecessor
    }
}

extension LogEntry {
    /// Bytes that it holds in memory, nearly: of its moves what they carry, and 64 each.
    package var weight: Int { moves.reduce(64) { $0 + $1.weight } }
}

extension Move {
    package var weight: Int {
        64 + (record?.body.count ?? 0) + (result?.count ?? 0) + (unreadable?.count ?? 0)
            + (error?.utf8.count ?? 0)
    }
}

/// One job's step within an entry. A field is nil where the step leaves it as it was.
public struct Move: Hashable, Sendable {
    public var id: JobID
    public var version: Int
    public var from: JobStatus?
    public var to: JobStatus
    /// Only of a queued job's push: the ledger has not seen it yet.
    public var record: JobRecord?
    public var attempts: Int?
    public var crashes: Int?
    /// The time it now waits for.
    public var runAt: Timestamp?
    public var error: String?
    public var result: [UInt8]?
    /// Bytes that could not be read; they go to quarantine as they are.
    public var unreadable: [UInt8]?

    public init(
        id: JobID, version: Int, from: JobStatus?, to: JobStatus, record: JobRecord? = nil,
        attempts: Int? = nil,
        crashes: Int? = nil, runAt: Timestamp? = nil, error: String? = nil, result: [UInt8]? = nil,
        unreadable: [UInt8]? = nil
    ) {
        self.id = id
        self.version = version
        self.from = from
        self.to = to
        self.record = record
        self.attempts = attempts
        self.crashes = crashes
        self.runAt = runAt
        self.error = error
        self.result = result
        self.unreadable = unreadable
    }
}
