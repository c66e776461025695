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
