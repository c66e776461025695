/// How one duty fares in one process, as its runner says it.
public struct DutyReport: Hashable, Sendable {
    /// The name that `tally serve` prints.
    public var name: String
    /// A duty that has not succeeded for so long is an alarm.
    public var silence: Duration
    /// How long ago it last succeeded; nil = never since this process began.
    public var succeeded: Duration?
    /// Why its last step failed; empty = it did not.
    public var error: String
    /// A report of one process, `succeeded` so long ago.
    public init(name: String, silence: Duration, succeeded: Duration?, error: String = "") {
        self.name = name
        self.silence = silence
        self.succeeded = succeeded
        self.error = error
    }
}

/// How one duty fares wherever it runs, by the clock of the store that keeps the reports.
public struct DutyStanding: Hashable, Sendable {
    /// The name that `tally serve` prints.
    public var name: String
    /// A duty that has not succeeded for so long is an alarm.
    public var silence: Duration
    /// How long ago it last succeeded in any process; nil = never.
    public var succeeded: Duration?
    /// How long ago it was first reported.
    public var known: Duration
    /// Why the last step failed that was reported; empty = it did not.
    public var error: String
    /// Which process reported last. Several share the duties, and each report takes the place of the one before.
    public var holder: String
    /// How long ago that was; nil = the store does not keep it.
    public var reported: Duration?
    /// A standing as a register has it; its durations are from the moment of the asking.
    public init(
        name: String, silence: Duration, succeeded: Duration?, known: Duration, error: String, holder: String,
        reported: Duration? = nil
    ) {
        self.name = name
        self.silence = silence
        self.succeeded = succeeded
        self.known = known
        self.error = error
        self.holder = holder
        self.reported = reported
    }

    /// Whether the process that reported last still runs, as far as anybody knows: one that runs reports again and
    /// again, also that nothing succeeds. Where the store does not keep when, its last success says it.
    package var isHolderRunning: Bool { (reported ?? succeeded ?? known) <= Limits.dutyReported }

    /// Somebody must look: it has not succeeded for its limit.
    public var isSilent: Bool { (succeeded ?? known) > silence }
}
