/// The live half: it moves jobs between statuses, atomically, and appends one log entry a call for all its moves.
///
/// Every verb takes many jobs at once; one call is one atomic step. Refusals are values, one a job, and change
/// nothing; `QueueError` is for calls that failed whole. The conformance kit in `TallyTesting` checks this page.
///
/// `at`: the caller's clock. It counts only in namespaces made for tests; elsewhere the server's own clock decides
/// and nil is what production passes.
public protocol QueueDriver: Sendable {
    /// Puts jobs into the queue, in order. Idempotent by id: a job that is already held answers `.exists`, an ended
    /// one `.ended`. All jobs of a call go in, or none. A repeated id or unique key inside the call counts as a
    /// repeat.
    ///
    /// - Parameter issued: when the push was decided (`stamp()`), before the ledger was read; nil for jobs that are
    ///   created by this very call.
    /// - Throws: `.full` when Redis is out of memory or the log budget is used up.
    func push(_ jobs: [Push], issued: Issued?, at now: Timestamp?) async throws(QueueError) -> [PushAnswer]

    /// Leases up to `limit` runnable jobs of the given queues, in the order given: FIFO within a priority, priorities
    /// by weight. Expired leases are reclaimed and due jobs promoted first. Nothing to do is an empty answer.
    func reserve(_ wish: ReserveWish, at now: Timestamp?) async throws(QueueError) -> Reservation

    /// New expiry = now + `by`: it can also shorten. The token stays.
    func extend(_ leases: [Lease], by: Duration, at now: Timestamp?) async throws(QueueError)
        -> [ExtendAnswer]

    /// processing → completed. A repeat by the same lease answers `.repeated`.
    func ack(_ acks: [Ack], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer]

    /// processing → retrying (or pending, when `runAt` is nil or past). Writes what it is told; policy is the
    /// worker's.
    func retry(_ retries: [Retry], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer]

    /// processing → failed. A repeat by the same lease answers `.repeated`.
    func fail(_ failures: [Failure], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer]

    /// processing → scheduled (or pending): handed back unrun. Changes neither attempts nor crashes.
    func release(_ releases: [Release], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer]

    /// A waiting job becomes cancelled; a processing one is flagged (its ack still wins; retry, fail, release and
    /// reclaim then end it as cancelled). An id that is not held answers `.unknown`, unless `tombstone` gives the
    /// version that the ledger names: then it is written as ended, so that no push brings it back.
    func cancel(_ id: JobID, tombstone: (version: Int, issued: Issued)?, at now: Timestamp?)
        async throws(QueueError) -> CancelAnswer

    /// Makes up to `limit` due jobs runnable.
    func promote(_ limit: Int, at now: Timestamp?) async throws(QueueError) -> Int

    /// Takes back up to `limit` expired leases.
    func reclaim(_ limit: Int, at now: Timestamp?) async throws(QueueError) -> Int

    /// A paused queue hands out no leases; everything else goes on.
    func pause(_ queue: QueueName, _ paused: Bool) async throws(QueueError)

    /// Records that a worker lives; the mirror writes it to the `workers` table.
    func heartbeat(_ beat: WorkerBeat, at now: Timestamp?) async throws(QueueError)

    /// Returns when one of the queues may have work, when `time` has passed, or with `CancellationError`.
    func wait(for queues: [QueueName], upTo time: Duration) async throws

    /// The queue's clock and epoch now, to be taken before the ledger is read; `epoch` is 0 while the epoch is held.
    func stamp() async throws(QueueError) -> Issued

    /// The state of the history: epoch, last log entry, whether leases are held back.
    func history() async throws(QueueError) -> QueueHistory

    /// Ends the hold of this epoch, if it is still the current one.
    func open(epoch: Int64) async throws(QueueError)

    /// Up to `limit` log entries after `position`, in order.
    func log(after position: LogPosition, limit: Int) async throws(QueueError) -> [LogEntry]

    /// The ledger holds everything up to `position`: trims the log and lets tombstones age.
    func report(applied position: LogPosition, at now: Timestamp?) async throws(QueueError)

    /// New calls fail with `.closed` from now on; running ones end first. May be repeated.
    func close() async
}

/// What an operator and the reconciler ask of a queue. A driver may lack it: callers then get `.unsupported`.
public protocol InspectableQueue: QueueDriver {
    /// The jobs that the queue holds; nil where it does not hold the id. `ended` tells of a tombstone.
    func inspect(_ ids: [JobID], at now: Timestamp?) async throws(QueueError) -> QueueView
    /// Counts by queue.
    func counts(at now: Timestamp?) async throws(QueueError) -> [QueueCounts]
    /// Up to about `limit` held ids from `cursor` on ("" = the start); `next` nil at the end. An id may come twice.
    func scan(_ cursor: String, limit: Int) async throws(QueueError) -> (ids: [JobID], next: String?)
    /// Up to `Limits.sweepPerCall` repairs of the reconciler, one after another: each moves its job only while that
    /// is still as `expected` says, whatever becomes of the others. Says which were made.
    func repair(_ repairs: [QueueRepair]) async throws(QueueError) -> [Bool]
}

extension InspectableQueue {
    public func repair(_ repair: QueueRepair) async throws(QueueError) -> Bool {
        try await self.repair([repair])[0]
    }
}

/// A queue whose server may be set otherwise while it runs, such as to throw jobs away when memory is short.
public protocol VerifiableQueue: QueueDriver {
    /// Checks the server as at the first connection.
    ///
    /// - Throws: `.wrongServer` with what to change.
    func verify() async throws(QueueError)
}

// MARK: - What the verbs take and answer

public struct Push: Hashable, Sendable {
    public var record: JobRecord
    /// 1 for a new job, higher for a requeue.
    public var version: Int
    /// Whether the ledger already has the record; if not, the log carries it.
    public var isRecorded: Bool
    /// The due time that counts; a requeue may differ from the record's.
    public var runAt: Timestamp?
    public var attempts: Int

    public init(_ record: JobRecord, isRecorded: Bool = false) {
        self.record = record
        self.isRecorded = isRecorded
        version = 1
        runAt = record.runAt
        attempts = record.attempts
    }

    public init(_ record: JobRecord, version: Int, runAt: Timestamp?, attempts: Int) {
        self.record = record
        self.version = version
        self.runAt = runAt
        self.attempts = attempts
        isRecorded = true
    }
}

/// When and in which epoch a push was decided, by the queue's own clock.
public struct Issued: Hashable, Sendable {
    public let epoch: Int64
    public let at: Timestamp
    public init(epoch: Int64, at: Timestamp) {
        self.epoch = epoch
        self.at = at
    }
}

public enum PushAnswer: Hashable, Sendable {
    case pushed
    /// Held already at this version or a later one. `same`: with the same record.
    case exists(same: Bool)
    /// The unique key is taken by this job; nothing was written.
    case duplicate(of: JobID)
    /// Ended already at this version or a later one.
    case ended(JobStatus)
    /// The queue is over its window; try again as it drains.
    case full
    /// `issued` is too old, or of another epoch.
    case refused
}

public struct ReserveWish: Hashable, Sendable {
    public var queues: [QueueName]
    public var limit: Int
    public var lease: Duration
    public var worker: WorkerID
    public init(_ queues: [QueueName], limit: Int, lease: Duration = Limits.lease, worker: WorkerID) {
        self.queues = queues
        self.limit = limit
        self.lease = lease
        self.worker = worker
    }
}

public struct ReservedJob: Hashable, Sendable {
    public var record: JobRecord
    public var lease: Lease
    /// Failures so far; the handler's attempt number is one more.
    public var attempts: Int
    public var crashes: Int
    /// The due time it carried: kept at the first lease, cleared by a reclaim.
    public var runAt: Timestamp?
    public var error: String?
    public var failedAt: Timestamp?
    public init(
        record: JobRecord, lease: Lease, attempts: Int = 0, crashes: Int = 0, runAt: Timestamp? = nil,
        error: String? = nil, failedAt: Timestamp? = nil
    ) {
        self.record = record
        self.lease = lease
        self.attempts = attempts
        self.crashes = crashes
        self.runAt = runAt
        self.error = error
        self.failedAt = failedAt
    }
}

public struct Reservation: Hashable, Sendable {
    public var jobs: [ReservedJob]
    /// Leased, but their bytes are damaged: to be failed, not run.
    public var corrupt: [Lease]
    /// The next moment at which something falls due or a lease runs out; nil if nothing will.
    public var nextEvent: Timestamp?
    public var now: Timestamp
    /// The epoch hands out nothing until the reconciler opens it.
    public var isHeld: Bool
    public init(
        jobs: [ReservedJob], corrupt: [Lease] = [], nextEvent: Timestamp?, now: Timestamp,
        isHeld: Bool = false
    ) {
        self.jobs = jobs
        self.corrupt = corrupt
        self.nextEvent = nextEvent
        self.now = now
        self.isHeld = isHeld
    }
}

public enum ExtendAnswer: Hashable, Sendable {
    /// Use the returned lease from now on. `cancelRequested`: the handler should stop.
    case extended(Lease, cancelRequested: Bool)
    case refused(LeaseRefusal)
}

public struct Ack: Hashable, Sendable {
    public var lease: Lease
    public var result: [UInt8]
    public init(_ lease: Lease, result: [UInt8] = []) {
        self.lease = lease
        self.result = result
    }
}

public struct Retry: Hashable, Sendable {
    public var lease: Lease
    /// nil or past = at once.
    public var runAt: Timestamp?
    public var attempts: Int
    public var error: String
    public var failedAt: Timestamp?
    public init(_ lease: Lease, runAt: Timestamp?, attempts: Int, error: String, failedAt: Timestamp? = nil) {
        self.lease = lease
        self.runAt = runAt
        self.attempts = attempts
        self.error = error
        self.failedAt = failedAt
    }
}

public struct Failure: Hashable, Sendable {
    public var lease: Lease
    public var attempts: Int
    public var error: String
    public init(_ lease: Lease, attempts: Int, error: String) {
        self.lease = lease
        self.attempts = attempts
        self.error = error
    }
}

public struct Release: Hashable, Sendable {
    public var lease: Lease
    public var runAt: Timestamp?
    public init(_ lease: Lease, runAt: Timestamp? = nil) {
        self.lease = lease
        self.runAt = runAt
    }
}

public enum SettleAnswer: Hashable, Sendable {
    /// Done; the status that the job has now. It is `cancelled` where a cancellation was pending.
    case settled(JobStatus)
    /// This lease had already ended the job this way. Nothing changed.
    case repeated
    case refused(LeaseRefusal)
}

public enum CancelAnswer: Hashable, Sendable {
    case cancelled(version: Int, epoch: Int64)
    /// Running: flagged, its worker will hear of it.
    case cancelling(version: Int)
    case ended(JobStatus, version: Int)
    case unknown
    /// `issued` is too old, or of another epoch.
    case refused
}

public struct WorkerBeat: Hashable, Sendable, Codable {
    /// `lost` is the reconciler's word for one that fell silent; no worker says it of itself.
    public enum Status: String, Sendable, Codable { case running, draining, stopped, lost }
    public var id: WorkerID
    public var status: Status
    public var queues: [QueueName]
    public var types: [JobType]
    public var running: [JobID]
    public var concurrency: Int
    public var startedAt: Timestamp
    public var host: String
    public var pid: Int32
    public init(
        id: WorkerID, status: Status, queues: [QueueName], types: [JobType], running: [JobID],
        concurrency: Int,
        startedAt: Timestamp, host: String, pid: Int32
    ) {
        self.id = id
        self.status = status
        self.queues = queues
        self.types = types
        self.running = running
        self.concurrency = concurrency
        self.startedAt = startedAt
        self.host = host
        self.pid = pid
    }
}

public struct QueueHistory: Hashable, Sendable {
    public var epoch: Int64
    /// The last log entry written.
    public var seq: Int64
    public var isHeld: Bool
    public var now: Timestamp
    /// Entries that the log still keeps.
    public var logLength: Int
    public init(epoch: Int64, seq: Int64, isHeld: Bool, now: Timestamp, logLength: Int) {
        self.epoch = epoch
        self.seq = seq
        self.isHeld = isHeld
        self.now = now
        self.logLength = logLength
    }
    public var end: LogPosition { LogPosition(epoch: epoch, seq: seq) }
}

/// What `inspect` saw, and the log end that it was read at, in one step.
public struct QueueView: Sendable {
    public struct Ended: Hashable, Sendable {
        public var status: JobStatus
        public var version: Int
        public init(status: JobStatus, version: Int) {
            self.status = status
            self.version = version
        }
    }
    /// Held jobs by id. Their `error`, `lease` and counters are filled in.
    public var held: [JobID: JobSnapshot]
    public var ended: [JobID: Ended]
    /// Held, but the bytes of their records are not what was enqueued: status and version only.
    public var damaged: [JobID: Ended] = [:]
    public var history: QueueHistory
    public init(held: [JobID: JobSnapshot], ended: [JobID: Ended], history: QueueHistory) {
        self.held = held
        self.ended = ended
        self.history = history
    }
}

public struct QueueCounts: Hashable, Sendable, Codable {
    public var queue: QueueName
    public var pending: Int
    /// Scheduled and retrying whose time is still to come, and those already due.
    public var waiting: Int
    public var due: Int
    public var processing: Int
    /// Of those processing, leases that have run out and are not yet reclaimed.
    public var expired: Int
    public var isPaused: Bool
    public init(
        queue: QueueName, pending: Int = 0, waiting: Int = 0, due: Int = 0, processing: Int = 0,
        expired: Int = 0,
        isPaused: Bool = false
    ) {
        self.queue = queue
        self.pending = pending
        self.waiting = waiting
        self.due = due
        self.processing = processing
        self.expired = expired
        self.isPaused = isPaused
    }
}

/// What stands for a job in a list or a set: id and version, and of a lease its epoch.
public struct QueuePlace: Hashable, Sendable {
    public var id: JobID
    public var version: Int
    /// Of a lease.
    public var epoch: Int64?
    public init(id: JobID, version: Int, epoch: Int64? = nil) {
        self.id = id
        self.version = version
        self.epoch = epoch
    }
}

/// One compare-and-set repair: it happens only in `epoch`, and only while the queue sees the job as `expected`.
public struct QueueRepair: Sendable {
    public enum Expected: Hashable, Sendable {
        case absent
        case ended(JobStatus, version: Int)
        case held(JobStatus, version: Int)
    }
    public enum Action: Hashable, Sendable {
        /// Push again from the ledger.
        case push(Push)
        /// End it as the ledger says it ended.
        case end(JobStatus, version: Int)
        /// End it, and say why.
        case endBecause(JobStatus, version: Int, error: String)
        /// Write the tombstone's end to the log again.
        case tellEnd
        /// Write to the log how the job stands, with its record where the ledger has no row.
        case tellStanding(withRecord: Bool)
        /// Let it wait until then.
        case wait(until: Timestamp)
        /// Write its record again, as the ledger has it.
        case rewrite(JobRecord)
        /// Write the record of an id that stands in a structure without one.
        case restore(JobSnapshot, place: QueuePlace)
        /// Take out an id that nobody has a record of, such a one or a held job whose record is damaged; it ends as
        /// failed, with a stub for the ledger.
        case bury(stub: JobRecord, place: QueuePlace)
        /// Take back its lease, which has run out.
        case reclaim
        /// Make it runnable: its time has come.
        case promote
    }
    public var id: JobID
    public var epoch: Int64
    public var expected: Expected
    public var action: Action
    /// The drift code, such as `D04`; it goes into the log.
    public var code: String
    public init(id: JobID, epoch: Int64, expected: Expected, action: Action, code: String) {
        self.id = id
        self.epoch = epoch
        self.expected = expected
        self.action = action
        self.code = code
    }
}
