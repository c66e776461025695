/// What the reconciler asks of a queue that keeps a job in several structures. A driver may lack it: sweeps that need
/// it are then left out.
public protocol ReconcilableQueue: InspectableQueue {
    func survey() async throws(QueueError) -> QueueSurvey
    /// Adds what was seen missing to what the epoch began with, if it is still missing.
    func correctSurvey(_ missing: Int) async throws(QueueError) -> Bool

    func queueNames() async throws(QueueError) -> [QueueName]
    /// A step through one structure. What stands in it throughout is met, perhaps twice. `next` nil at the end.
    func walk(_ structure: QueueStructure, _ cursor: String, limit: Int) async throws(QueueError)
        -> (places: [PlaceFound], next: String?)
    /// Of each job in one step: whether it stands where its state says, and nowhere else. One that is no longer as it
    /// was seen, or seen in another epoch, answers no code.
    func check(_ jobs: [(place: QueuePlace, seen: PlaceVerdict)], epoch: Int64) async throws(QueueError)
        -> [JobID: PlaceVerdict]
    /// Puts one right that does not, while it is as `verdict` says.
    func mend(_ place: QueuePlace, _ verdict: PlaceVerdict, epoch: Int64) async throws(QueueError) -> Bool

    /// What workers last said of themselves; the words are opaque, and stand for themselves in a compare-and-set.
    func roster(_ cursor: String, limit: Int) async throws(QueueError)
        -> (workers: [(id: WorkerID, words: [UInt8])], next: String?)
    /// Tells it to the ledger again.
    func tell(_ worker: WorkerID, words: [UInt8]) async throws(QueueError) -> Bool
    func forget(_ worker: WorkerID, words: [UInt8]) async throws(QueueError) -> Bool

    /// Unique keys that last until their job ends, and whose job the queue does not hold.
    func leakedKeys(_ cursor: String, limit: Int) async throws(QueueError) -> (
        keys: [LeakedKey], next: String?
    )
    /// Drops, of about `limit` keys from `cursor` on, those whose time is over; `next` nil at the end.
    func pruneKeys(_ cursor: String, limit: Int) async throws(QueueError) -> (pruned: Int, next: String?)
    func freeKey(_ key: LeakedKey) async throws(QueueError) -> Bool
}

/// The queue's own account.
public struct QueueSurvey: Hashable, Sendable {
    public var history: QueueHistory
    /// The first log entry that is kept; nil = none.
    public var firstKept: LogPosition?
    /// A position that the ledger has reported as applied, not long ago.
    public var reported: LogPosition
    public var held: Int
    /// Held as the epoch began.
    public var base: Int
    /// Since the epoch began.
    public var entered: Int
    public var completed: Int
    public var failed: Int
    public var cancelled: Int
    /// The ledger that it belongs to.
    public var ledger: String?
    public init(
        history: QueueHistory, firstKept: LogPosition?, reported: LogPosition, held: Int, base: Int,
        entered: Int, completed: Int, failed: Int, cancelled: Int, ledger: String?
    ) {
        self.history = history
        self.firstKept = firstKept
        self.reported = reported
        self.held = held
        self.base = base
        self.entered = entered
        self.completed = completed
        self.failed = failed
        self.cancelled = cancelled
        self.ledger = ledger
    }
    /// What `base` lacks; 0 = the account holds.
    public var missing: Int { held + completed + failed + cancelled - base - entered }
}

/// What a walk met.
public struct PlaceFound: Hashable, Sendable {
    public var place: QueuePlace
    /// Of a lease its expiry; of what waits its due time.
    public var time: Timestamp?
    /// False: an id without a record.
    public var hasBody: Bool
    public init(place: QueuePlace, time: Timestamp?, hasBody: Bool) {
        self.place = place
        self.time = time
        self.hasBody = hasBody
    }
}

public enum QueueStructure: Hashable, Sendable {
    case leases, due
    case ready(QueueName, JobPriority)
}

/// How a job stands in the structures.
public struct PlaceVerdict: Hashable, Sendable {
    /// `D10` nowhere, `D11` twice, `D12` where its state does not say; nil = right.
    public var code: String?
    public var status: JobStatus
    public var version: Int
    public init(code: String?, status: JobStatus, version: Int) {
        self.code = code
        self.status = status
        self.version = version
    }
}
