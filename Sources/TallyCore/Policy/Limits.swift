/// Every bound in the system, with its unit and its reason, by subject: here and in the extensions beside this
/// file. `ops/limits` writes the page of limits from all of them; a test compares.
public enum Limits {
    // Policy defaults.
    public static let maxAttempts = 3  // runs that may fail before the job is `failed`
    public static let maxCrashes = 3  // lapsed leases: a job that kills its workers ends here
    /// The wait after the first failure: long enough for a restart of what the handler called.
    public static let backoffBase: Duration = .seconds(5)
    /// The longest wait between two attempts, jitter included, so that a mended cause is noticed within minutes.
    public static let backoffCap: Duration = .seconds(300)
    /// Each further failure waits so many times as long: a cause that lasts is asked less and less often.
    public static let backoffMultiplier = 2.0
    /// The part of a wait that chance adds or takes away, so that jobs which failed together do not return together.
    public static let backoffJitter = 0.2
    /// Waits in the list of a policy; a job has no more than ten times as many attempts.
    public static let retryDelays = 1000
    /// What a shorter snooze waits: it counts as no attempt, and one of no time would go round without end.
    public static let snoozeLeast: Duration = .seconds(1)
    public static let lease: Duration = .seconds(30)  // three missed heartbeats
    /// Extensions and reports in the length of one lease: two may be lost before it runs out.
    public static let heartbeatsPerLease = 3
    /// To end after a cancellation: time to close what a handler has open.
    public static let timeoutGrace: Duration = .seconds(5)
    /// What running handlers have to end in when a worker drains: what orchestrators commonly give.
    public static let drain: Duration = .seconds(30)
    /// From the order to stop at once to the end: whoever asks twice is in a hurry.
    public static let stop: Duration = .seconds(5)
    public static let stopGrace: Duration = .seconds(3)  // of that for handlers, then jobs are handed back
    /// Handlers of one worker at a time: enough to hide their waits for others, few enough for their memory.
    public static let concurrency = 16
    /// Of a queue against the worker's others; what needs more is better given a worker of its own.
    public static let queueWeight = 1000
    /// Jobs that one turn of several queues takes where slots are free: the shares even out over the turns, and each
    /// turn is a call.
    public static let turnLeast = 16
}

extension Limits {
    /// A wait between two attempts as a due time can hold it.
    static func bounded(_ wait: Duration) -> Duration { max(.zero, min(wait, farthestRunAt)) }
    /// A due time as a store holds it: a settlement cannot be refused for its time without refusing its neighbours,
    /// so one beyond the calendar counts as the calendar's end. nil = at once.
    package static func reach(_ time: Timestamp?) -> Int64 {
        guard let time else { return 0 }
        return max(0, min(time.microseconds, latest.microseconds))
    }
    /// A count of attempts as the ledger's column holds it.
    package static func reach(_ attempts: Int) -> UInt32 { UInt32(max(0, min(attempts, Int(Int32.max)))) }
}
