/// The queue's own account.
public struct QueueSurvey: Hashable, Sendable {
    /// Where its log stood in the moment of the account.
    public var history: QueueHistory
    /// The first log entry that is kept; nil = none.
    public var firstKept: LogPosition?
    /// A position that the ledger has reported as applied, not long ago.
    public var reported: LogPosition
    /// Jobs that it holds now.
    public var held: Int
    /// Held as the epoch began.
    public var base: Int
    /// Jobs that came in since the epoch began.
    public var entered: Int
    /// Jobs that have completed since the epoch began.
    public var completed: Int
    /// Jobs that have failed for good since the epoch began.
    public var failed: Int
    /// Jobs that were cancelled since the epoch began.
    public var cancelled: Int
    /// The ledger that it belongs to.
    public var ledger: String?
    /// An account for a driver, or for a test that stands in for one.
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
    /// What stands there.
    public var place: QueuePlace
    /// Of a lease its expiry; of what waits its due time.
    public var time: Timestamp?
    /// False: an id without a record.
    public var hasBody: Bool
    /// What a driver met in one step of a walk.
    public init(place: QueuePlace, time: Timestamp?, hasBody: Bool) {
        self.place = place
        self.time = time
        self.hasBody = hasBody
    }
}

/// One of the structures in which a queue keeps the ids of its jobs.
public enum QueueStructure: Hashable, Sendable {
    /// The leases by their expiry, and what waits for its time by that time.
    case leases, due
    /// The list of a queue's runnable jobs of one priority.
    case ready(QueueName, JobPriority)
}

/// How a job stands in the structures.
public struct PlaceVerdict: Hashable, Sendable {
    /// `D10` nowhere, `D11` twice, `D12` where its state does not say; nil = right.
    public var code: String?
    /// Where the job stands by its own record.
    public var status: JobStatus
    /// The job's version.
    public var version: Int
    /// A verdict of a driver, or of a test that stands in for one.
    public init(code: String?, status: JobStatus, version: Int) {
        self.code = code
        self.status = status
        self.version = version
    }
}
