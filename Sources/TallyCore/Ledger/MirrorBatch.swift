/// A run of log entries, folded: what one ledger transaction applies. Made by `MirrorBatch.init(folding:)`, pure.
public struct MirrorBatch: Sendable {
    /// The cursor must stand here.
    public var after: LogPosition
    /// And stands here afterwards.
    public var upTo: LogPosition
    /// One a transition, in log order.
    public var events: [JobEvent]
    /// Jobs that this batch creates (queued ones), in their last state.
    public var created: [JobSnapshot]
    /// Jobs that are there already: their last state in this batch.
    public var changed: [RowChange]
    public var beats: [(beat: WorkerBeat, at: Timestamp)]
    /// Moves whose bytes could not be read.
    public var unreadable: [(job: JobID, position: LogPosition, bytes: [UInt8])]

    public init(after: LogPosition, upTo: LogPosition) {
        self.after = after
        self.upTo = upTo
        events = []
        created = []
        changed = []
        beats = []
        unreadable = []
    }

    public var isEmpty: Bool { after == upTo }
}

/// The last state of a job in a batch. Applied where (epoch, version, seq) is greater than the row's; a terminal row
/// yields only to a higher version; below the row's last requeue it is never applied. nil = leave as it is.
public struct RowChange: Hashable, Sendable {
    public var id: JobID
    public var epoch: Int64
    public var version: Int
    public var seq: Int64
    public var status: JobStatus
    public var at: Timestamp
    public var startedAt: Timestamp?
    public var completedAt: Timestamp?
    /// The time it waits for.
    public var scheduledAt: Timestamp?
    public var workerID: String?
    public var attempts: Int?
    public var crashes: Int?
    public var error: String?
    public var result: [UInt8]?

    public init(id: JobID, position: LogPosition, version: Int, status: JobStatus, at: Timestamp) {
        self.id = id
        epoch = position.epoch
        seq = position.seq
        self.version = version
        self.status = status
        self.at = at
    }
}

/// One reconciler run with what it found; written to `reconcile_runs` and `reconcile_findings`.
public struct ReconcileRun: Sendable {
    public struct Finding: Hashable, Sendable {
        public var code: String
        public var job: JobID?
        public var queueView: String
        public var ledgerView: String
        /// `found`, `repaired`, `raced`, `inconclusive`.
        public var outcome: String
        public init(code: String, job: JobID?, queueView: String, ledgerView: String, outcome: String) {
            self.code = code
            self.job = job
            self.queueView = queueView
            self.ledgerView = ledgerView
            self.outcome = outcome
        }
    }
    public var id: JobID
    public var startedAt: Timestamp
    public var finishedAt: Timestamp
    /// `dry` or `repair`.
    public var mode: String
    public var epoch: Int64
    public var seq: Int64
    public var scannedQueue: Int
    public var scannedLedger: Int
    public var inconclusive: Int
    public var findings: [Finding]
    public var exitCode: Int
    public init(
        id: JobID, startedAt: Timestamp, finishedAt: Timestamp, mode: String, epoch: Int64, seq: Int64,
        scannedQueue: Int, scannedLedger: Int, inconclusive: Int, findings: [Finding], exitCode: Int
    ) {
        self.id = id
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.mode = mode
        self.epoch = epoch
        self.seq = seq
        self.scannedQueue = scannedQueue
        self.scannedLedger = scannedLedger
        self.inconclusive = inconclusive
        self.findings = findings
        self.exitCode = exitCode
    }
}
