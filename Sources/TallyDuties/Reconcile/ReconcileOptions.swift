import TallyCore

/// What a run of the reconciler may do.
public struct ReconcileOptions: Sendable {
    /// How the run was started.
    public var mode: Reconciler.Mode
    /// Mends only these; nil = all that need no person.
    public var codes: Set<Drift>?
    /// Also recounts the totals and walks every unique key: what this costs follows history.
    public var isFull = false
    /// Compares only jobs created since then; the run is then no full one.
    public var since: Timestamp?
    /// Of one pass: one goes over each shard and, where there are several, one over what the ledger has once.
    /// nil = the greater of 1,000 and 1 % of the active jobs.
    public var maxRepairs: Int?
    /// How long to wait for another reconciler to end; a round of `tally serve` gives way within that.
    public var patience: Duration = .zero
    /// A person said that the queue which the ledger knew is gone: this one takes its place.
    public var adoptsQueue = false
    /// Runs those again which `D18` set aside as `history_lost`.
    public var requeuesUnknown = false
    /// Who is named as the author of each repair.
    public var actor = "reconciler"
    /// The machine that the run is on.
    public var host = ""
    /// Holds back a run that shares the stores with work.
    var pace: Pace?
    /// Hears what was compared so far.
    public var progress: (@Sendable (_ what: String, _ count: Int) -> Void)?
    /// Hears each run as it ended, whatever ended it: the only way to what a run had found that throws.
    package var ended: (@Sendable (ReconcileRun) -> Void)?

    /// A run that changes nothing, of the whole.
    public init(_ mode: Reconciler.Mode) { self.mode = mode }

    func mends(_ drift: Drift) -> Bool {
        if mode == .dry { return false }
        if let codes { return codes.contains(drift) && drift.remedy != .person }
        return drift.remedy == .automatic
    }
}
