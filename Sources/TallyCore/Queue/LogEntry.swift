/// A place in the log of one shard. Within an epoch `seq` is dense from 1. Places of two shards have no order: to
/// compare them is a mistake of the program, and ends it.
public struct LogPosition: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Whose log it is in.
    public let shard: Shard
    /// The Redis history; 0 is before the first.
    public var epoch: Int64
    /// The number of the entry in it.
    public var seq: Int64
    /// The place of that entry.
    public init(shard: Shard = .first, epoch: Int64, seq: Int64) {
        self.shard = shard
        self.epoch = epoch
        self.seq = seq
    }
    /// Before the first entry of the first shard.
    public static let start = start(of: .first)
    /// Before the first entry of a shard.
    public static func start(of shard: Shard) -> LogPosition { LogPosition(shard: shard, epoch: 0, seq: 0) }
    /// Whether no entry comes before it.
    public var isStart: Bool { epoch == 0 && seq == 0 }
    public static func < (a: LogPosition, b: LogPosition) -> Bool {
        precondition(a.shard == b.shard, "\(a) and \(b) are places in two logs")
        return (a.epoch, a.seq) < (b.epoch, b.seq)
    }
    /// `epoch-seq` on the first shard, `shard/epoch-seq` on the others.
    public var description: String { (shard == .first ? "" : "\(shard)/") + "\(epoch)-\(seq)" }
}

/// All that one call of the queue changed.
public struct LogEntry: Hashable, Sendable {
    /// Its place in the log, which names it.
    public var position: LogPosition
    /// What the call did.
    public var verb: Verb
    /// When, by the queue's clock.
    public var at: Timestamp
    /// Who did it: the worker's id, or `reconciler`; nil for clients and the queue's own sweeps.
    public var actor: String?
    /// What became of each job, in the order in which the call dealt with them; empty of a heartbeat and an epoch.
    public var moves: [Move]
    /// Of a `heartbeat`.
    public var beat: WorkerBeat?
    /// Of an `epoch`: where the history before it ended, as far as Redis still knew.
    public var predecessor: LogPosition?
    /// Of an `epoch`: more than the tail of the history before it may be lost, so everything is compared before it
    /// opens.
    public var losesMore = false

    /// An entry for a driver, or for a test that stands in for one.
    public init(
        position: LogPosition, verb: Verb, at: Timestamp, actor: String? = nil, moves: [Move] = [],
        beat: WorkerBeat? = nil, predecessor: LogPosition? = nil, losesMore: Bool = false
    ) {
        self.position = position
        self.verb = verb
        self.at = at
        self.actor = actor
        self.moves = moves
        self.beat = beat
        self.predecessor = predecessor
        self.losesMore = losesMore
    }
}

extension LogEntry {
    /// Bytes that it holds in memory, nearly: of its moves and lines what they carry, and 64 each.
    package var weight: Int {
        let told = (beat?.lines ?? []).reduce(64) { $0 + $1.text.utf8.count + 64 }
        return moves.reduce(told) { $0 + $1.weight }
    }
}

extension Move {
    /// Bytes that it holds in memory, nearly.
    package var weight: Int {
        64 + (record?.body.count ?? 0) + (result?.count ?? 0) + (unreadable?.count ?? 0)
            + (error?.utf8.count ?? 0)
    }
}

/// One job's step within an entry. A field is nil where the step leaves it as it was.
public struct Move: Hashable, Sendable {
    /// The job that moved.
    public var id: JobID
    /// Its version since.
    public var version: Int
    /// Where it stood before; nil for a job that the queue did not hold.
    public var from: JobStatus?
    /// Where it stands since; the same as `from` where only a cancellation was asked for.
    public var to: JobStatus
    /// Only of a queued job's push: the ledger has not seen it yet.
    public var record: JobRecord?
    /// Its failures since.
    public var attempts: Int?
    /// Its leases that have run out since.
    public var crashes: Int?
    /// The time it now waits for.
    public var runAt: Timestamp?
    /// Why it failed or was reclaimed.
    public var error: String?
    /// What its handler returned; only of an ack.
    public var result: [UInt8]?
    /// Bytes that could not be read; they go to quarantine as they are.
    public var unreadable: [UInt8]?

    /// A step for a driver, or for a test that stands in for one.
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
