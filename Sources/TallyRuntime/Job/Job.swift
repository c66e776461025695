import TallyCore

/// One Swift type is one kind of job: its name, its arguments (the stored properties), its policy and its
/// code.
///
///     struct SendInvoice: Job {
///         static let jobType: JobType = "invoice.send"
///         static let policy = JobPolicy(queue: "mail", attempts: 8, timeout: .seconds(30))
///         let order: Int
///
///         func run(_ context: JobContext) async throws { print("Invoice \(order) by \(context.worker)") }
///     }
///
/// Delivery is at least once: `run` must be safe to repeat. It should end soon after its task is cancelled, which
/// happens when the lease is lost, the job is cancelled, its timeout passes, or the worker stops.
public protocol Job: Codable, Sendable {
    /// Stable for ever: stored jobs are found by it. Rename the Swift type, never this.
    static var jobType: JobType { get }
    /// Where its jobs go and how they are retried; read at each enqueue and by each worker.
    static var policy: JobPolicy { get }
    /// Returning completes the job. Throwing fails this attempt: the policy then decides between another attempt and
    /// the dead-letter set; `JobError.final` and `JobError.snooze` decide it here, and `JobError.retry` how soon.
    /// `ErrorRule` has the whole order.
    ///
    /// - Throws: why this attempt failed, or a `JobError`, which says what becomes of the job.
    func run(_ context: JobContext) async throws
}

extension Job {
    /// The defaults of `JobPolicy`.
    public static var policy: JobPolicy { JobPolicy() }
}

/// How jobs of a type are enqueued and retried, unless an enqueue says otherwise.
public struct JobPolicy: Sendable {
    /// Where its jobs go unless an enqueue names a queue.
    public var queue: QueueName
    /// Its place among the waiting jobs of its queue.
    public var priority: JobPriority
    /// Failures after which a job is failed for good.
    public var attempts: Int
    /// How long one attempt may run before it is cancelled; nil = as long as it likes.
    public var timeout: Duration?
    /// Leases that may run out on it before it is failed for good.
    public var maxCrashes: Int
    /// How long it waits after a failure, and for how long there are attempts. Their number is `attempts`, not the
    /// one in here.
    public var backoff: any RetryPolicy
    /// What errors mean by their type, asked before `backoff`; the first that has a verdict counts.
    public var errors: [ErrorRule]

    /// A policy; what is left out has the default of `Limits`.
    public init(
        queue: QueueName = .default, priority: JobPriority = .normal, attempts: Int = Limits.maxAttempts,
        timeout: Duration? = nil, maxCrashes: Int = Limits.maxCrashes,
        backoff: any RetryPolicy = ExponentialBackoff(), errors: [ErrorRule] = []
    ) {
        self.queue = queue
        self.priority = priority
        self.attempts = attempts
        self.timeout = timeout
        self.maxCrashes = maxCrashes
        self.backoff = backoff
        self.errors = errors
    }
}

/// The endings that a handler decides itself.
public enum JobError: Error, Sendable, CustomStringConvertible {
    /// No further attempt: the job is failed with this reason.
    case final(String)
    /// Not now: run again after this long, `Limits.snoozeLeast` at least. No attempt is counted.
    case snooze(Duration)
    /// This attempt failed, as with any other error, and the next one begins no sooner than this, if there is one.
    case retry(String, after: Duration)
    /// From `complete(in:)`: an earlier attempt has committed the effect. Let it pass through: the transaction rolls
    /// back, and the job completes with the stored result.
    case alreadyCompleted(result: [UInt8])
    /// From `complete(in:)`: another worker has the job by now, or it has ended. Let it pass through: nothing of this
    /// attempt may be committed or reported.
    case stale

    public var description: String {
        switch self {
        case .final(let reason), .retry(let reason, _): reason
        case .snooze(let time): "not before \(time)"
        case .alreadyCompleted: "an earlier attempt has completed the job"
        case .stale: "another worker has the job by now, or it has ended"
        }
    }
}
