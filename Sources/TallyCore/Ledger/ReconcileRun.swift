/// One reconciler run with what it found; written to `reconcile_runs` and `reconcile_findings`.
public struct ReconcileRun: Sendable {
    /// One difference, and what was done about it.
    public struct Finding: Hashable, Sendable {
        /// The drift code, such as `D04`; `ops/runbooks/README.md` has a line for each.
        public var code: String
        /// The job that it is about; nil where it is about none, such as the totals.
        public var job: JobID?
        /// How the queue had it: states and versions only, never a payload.
        public var queueView: String
        /// How the ledger had it, likewise.
        public var ledgerView: String
        /// `found`, `repaired`, `raced`, `needs_operator`.
        public var outcome: String
        /// `H` a job can be lost or stuck, `M` wrong history or a duplicate, `L` cosmetic.
        public var severity: String
        /// The job's queue, where it is known; else "".
        public var queue: String
        /// What it is about where it is about no job; what to do where a person must.
        public var detail: String
        /// A finding as the reconciler notes it.
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
    /// Names the run; the row of its beginning and that of its end are one by it.
    public var id: JobID
    /// Which shard was laid beside the ledger; nil = none of several: the run looked at what the ledger has once.
    public var shard: Shard? = .first
    /// When it began, by the ledger's clock.
    public var startedAt: Timestamp
    /// When it ended, whatever ended it; equal to `startedAt` while it goes on.
    public var finishedAt: Timestamp
    /// `dry`, `repair`, `open` (an epoch was held) or `serve`.
    public var mode: String
    /// The queue's history as it began.
    public var epoch: Int64
    /// The last log entry as it began.
    public var seq: Int64
    /// Jobs that were read of the queue.
    public var scannedQueue: Int
    /// Rows that were read of the ledger.
    public var scannedLedger: Int
    /// Jobs and sums of which nothing could be said, since the ledger did not get as far as the log in time, or keeps
    /// changes for a row that is locked.
    public var inconclusive: Int
    /// What was found, in the order of the sweeps: of each code the first `Limits.findings`.
    public private(set) var findings: [Finding] = []
    /// Those beyond them, which are counted alone: how many of each code, by their outcome.
    public private(set) var further: [String: [String: Int]] = [:]
    /// How many of each code are in `findings`.
    private var kept: [String: Int] = [:]
    /// 0 clean, 1 repaired, 4 drift left, 8 cut short or inconclusive.
    public var exitCode: Int
    /// Who asked for it.
    public var actor = ""
    /// The machine that it ran on.
    public var host = ""
    /// The version of the program that ran it.
    public var version = tallyVersion
    /// The last log entry as it ended; 0 while it goes on.
    public var endSeq: Int64 = 0
    /// It looked at all that it was to look at. False: it was cut off, the halves do not belong together, or entries
    /// are missing in the log. No column keeps it: the error says which.
    package var wasCompared = false
    /// Every active job of both halves was compared.
    public var isFull = false
    /// Why it stopped before its end, if it did.
    public var error: String?

    /// A run as it begins.
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
        self.exitCode = exitCode
        for finding in findings { note(finding) }
    }

    /// Notes what was found: a finding beyond the bound of its code is counted alone.
    public mutating func note(_ finding: Finding) {
        let count = kept[finding.code, default: 0]
        if count >= Limits.findings {
            further[finding.code, default: [:]][finding.outcome, default: 0] += 1
        } else {
            kept[finding.code] = count + 1
            findings.append(finding)
        }
    }
    /// Notes what another run has found as well.
    package mutating func note(findingsOf other: ReconcileRun) {
        for finding in other.findings { note(finding) }
        for (code, outcomes) in other.further {
            further[code, default: [:]].merge(outcomes, uniquingKeysWith: +)
        }
    }

    private func count(_ outcomes: Set<String>) -> Int {
        var count = findings.count { outcomes.contains($0.outcome) }
        for counts in further.values {
            for (outcome, more) in counts where outcomes.contains(outcome) { count += more }
        }
        return count
    }

    /// Findings, those that are counted alone included. What only came between two reads is not drift.
    public var found: Int { repaired + left }
    /// Findings that were mended.
    public var repaired: Int { count(["repaired"]) }
    /// Findings whose job had moved before it could be mended: the next run looks at it anew.
    public var raced: Int { count(["raced"]) }
    /// Findings that were not mended, because the run only looks or because a person must decide.
    public var left: Int { count(Self.leftOutcomes) }
    /// The codes of those.
    package var codesLeft: Set<String> {
        var codes = Set(findings.filter { Self.leftOutcomes.contains($0.outcome) }.map(\.code))
        for (code, outcomes) in further where !Self.leftOutcomes.isDisjoint(with: outcomes.keys) {
            codes.insert(code)
        }
        return codes
    }
    private static let leftOutcomes: Set<String> = ["found", "needs_operator"]
}

/// The version of this program, as runs record it.
public let tallyVersion = "0.0.1"

/// A difference that a run of the reconciler left as it was.
public struct LeftFinding: Hashable, Sendable {
    /// The difference.
    public var finding: ReconcileRun.Finding
    /// When a run first met it, by the ledger's clock.
    public var firstSeen: Timestamp

    /// A finding for a driver, or for a test that stands in for one.
    public init(finding: ReconcileRun.Finding, firstSeen: Timestamp) {
        self.finding = finding
        self.firstSeen = firstSeen
    }
}
