/// One reconciler run with what it found; written to `reconcile_runs` and `reconcile_findings`.
public struct ReconcileRun: Sendable {
    public struct Finding: Hashable, Sendable {
        public var code: String
        public var job: JobID?
        /// States and versions only, never a payload.
        public var queueView: String
        public var ledgerView: String
        /// `found`, `repaired`, `raced`, `needs_operator`.
        public var outcome: String
        /// `H` a job can be lost or stuck, `M` wrong history or a duplicate, `L` cosmetic.
        public var severity: String
        public var queue: String
        /// What it is about where it is about no job; what to do where a person must.
        public var detail: String
        public init(
            code: String, job: JobID?, queueView: String, ledgerView: String, outcome: String,
            severity: String = "", queue: String = "", detail: String = ""
        ) {
            self.code = code
            self.job = job
            self.queueView = queueView
            self.ledgerView = ledgerView
            self.outcome = outcome
            self.severity = severity
            self.queue = queue
            self.detail = detail
        }
    }
    public var id: JobID
    public var startedAt: Timestamp
    public var finishedAt: Timestamp
    /// `dry`, `repair`, `open` (an epoch was held) or `serve`.
    public var mode: String
    public var epoch: Int64
    public var seq: Int64
    public var scannedQueue: Int
    public var scannedLedger: Int
    public var inconclusive: Int
    public var findings: [Finding]
    public var exitCode: Int
    /// Who asked, where, with which version of this program.
    public var actor = ""
    public var host = ""
    public var version = tallyVersion
    public var endSeq: Int64 = 0
    /// Every active job of both halves was compared.
    public var isFull = false
    /// Why it stopped before its end, if it did.
    public var error: String?

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

    /// What only came between two reads is not drift.
    public var found: Int { findings.count - raced }
    public var repaired: Int { findings.count { $0.outcome == "repaired" } }
    public var raced: Int { findings.count { $0.outcome == "raced" } }
    public var left: Int { findings.count { $0.outcome == "found" || $0.outcome == "needs_operator" } }
}

/// The version of this program, as runs record it.
public let tallyVersion = "0.0.1"
