/// Every wait is the same.
public struct FixedDelay: RetryPolicy, Hashable {
    /// The wait before each further attempt, before jitter.
    public let wait: Duration
    /// The part of a wait, from 0 to 1, that chance may add or take away.
    public let jitter: Double
    /// Failures after which a job is failed for good. Of a `Job` it is `JobPolicy.attempts` that counts.
    public let maxAttempts: Int

    /// Values out of range are brought into it: a wait of 0 to `Limits.farthestRunAt`, jitter in 0...1, attempts ≥ 0.
    public init(_ wait: Duration, jitter: Double = 0, maxAttempts: Int = Limits.maxAttempts) {
        self.wait = Limits.bounded(wait)
        self.jitter = Jitter.part(jitter)
        self.maxAttempts = max(0, maxAttempts)
    }

    /// The wait, spread by ± jitter; zero for an `attempt` below 1.
    public func delay(afterFailure attempt: Int, random: Double) -> Duration {
        attempt > 0 ? Jitter.of(wait, jitter, random) : .zero
    }
}

/// One wait after another out of a list; the last one counts for every further failure.
public struct DelayList: RetryPolicy, Hashable {
    /// The wait after the first failure, after the second, and so on, before jitter.
    public let delays: [Duration]
    /// The part of a wait, from 0 to 1, that chance may add or take away.
    public let jitter: Double
    /// Failures after which a job is failed for good. Of a `Job` it is `JobPolicy.attempts` that counts.
    public let maxAttempts: Int

    /// Values out of range are brought into it: the first `Limits.retryDelays` of the list count, each as a wait of
    /// 0 to `Limits.farthestRunAt`.
    ///
    /// - Parameter maxAttempts: nil = one attempt more than there are waits.
    public init(_ delays: [Duration], jitter: Double = 0, maxAttempts: Int? = nil) {
        self.delays = delays.prefix(Limits.retryDelays).map { Limits.bounded($0) }
        self.jitter = Jitter.part(jitter)
        self.maxAttempts = max(0, maxAttempts ?? self.delays.count + 1)
    }

    /// The wait of this failure, spread by ± jitter; zero for an `attempt` below 1 and without a list.
    public func delay(afterFailure attempt: Int, random: Double) -> Duration {
        guard attempt > 0, let last = delays.last else { return .zero }
        return Jitter.of(attempt <= delays.count ? delays[attempt - 1] : last, jitter, random)
    }
}

/// One policy for the first failures, then another, which counts its failures from 1 again. The second may have
/// phases too.
public struct RetryPhases: RetryPolicy {
    /// What the first failures wait by; its own limit of attempts does not count.
    public let first: any RetryPolicy
    /// So many failures are the first.
    public let failures: Int
    /// What the failures after those wait by.
    public let next: any RetryPolicy

    /// - Parameter failures: brought into 0 to `Limits.maxAttemptsBound`.
    public init(_ first: any RetryPolicy, failures: Int, then next: any RetryPolicy) {
        self.first = first
        self.failures = max(0, min(failures, Limits.maxAttemptsBound))
        self.next = next
    }

    /// The first failures and those that the second policy allows. Of a `Job` it is `JobPolicy.attempts` that counts.
    public var maxAttempts: Int { failures + max(0, min(next.maxAttempts, Limits.maxAttemptsBound)) }

    /// The shorter one: the time of either counts for all attempts, not for its phase.
    public var maxTotal: Duration? { [first.maxTotal, next.maxTotal].compactMap { $0 }.min() }

    /// That of the phase which this failure belongs to.
    public func delay(afterFailure attempt: Int, random: Double) -> Duration {
        attempt <= failures
            ? first.delay(afterFailure: attempt, random: random)
            : next.delay(afterFailure: attempt - failures, random: random)
    }
}

/// The waits of another policy, within limits of its own; `RetryPolicy.limited` makes one.
public struct LimitedRetries: RetryPolicy {
    /// What the failures wait by.
    public let base: any RetryPolicy
    /// Failures after which a job is failed for good, 0 or more.
    public let maxAttempts: Int
    /// No attempt begins later than so long after the job could first begin.
    public let maxTotal: Duration?

    fileprivate init(_ base: any RetryPolicy, maxAttempts: Int, maxTotal: Duration?) {
        self.base = base
        self.maxAttempts = max(0, maxAttempts)
        self.maxTotal = maxTotal.map { max(.zero, $0) }
    }

    /// As the other policy says.
    public func delay(afterFailure attempt: Int, random: Double) -> Duration {
        base.delay(afterFailure: attempt, random: random)
    }
}

extension RetryPolicy {
    /// The same waits within other limits.
    ///
    /// A job that is requeued once its time is spent gets one attempt: its time still counts from its creation.
    ///
    /// - Parameters:
    ///   - attempts: failures after which a job is failed for good; nil = as before. Of a `Job` it is
    ///     `JobPolicy.attempts` that counts.
    ///   - total: no attempt begins later than so long after the job could first begin; nil = as before. It only
    ///     shortens a time that the policy has.
    public func limited(attempts: Int? = nil, total: Duration? = nil) -> LimitedRetries {
        LimitedRetries(
            self, maxAttempts: attempts ?? maxAttempts,
            maxTotal: [maxTotal, total].compactMap { $0 }.min())
    }
}

extension RetryPolicy where Self == ExponentialBackoff {
    /// Growing waits: `ExponentialBackoff` with these values.
    public static func exponential(
        base: Duration = Limits.backoffBase, cap: Duration = Limits.backoffCap,
        multiplier: Double = Limits.backoffMultiplier, jitter: Double = Limits.backoffJitter,
        maxAttempts: Int = Limits.maxAttempts
    ) -> ExponentialBackoff {
        ExponentialBackoff(
            base: base, cap: cap, multiplier: multiplier, jitter: jitter, maxAttempts: maxAttempts)
    }
}

extension RetryPolicy where Self == FixedDelay {
    /// Equal waits: `FixedDelay` with these values.
    public static func fixed(
        _ wait: Duration, jitter: Double = 0, maxAttempts: Int = Limits.maxAttempts
    ) -> FixedDelay {
        FixedDelay(wait, jitter: jitter, maxAttempts: maxAttempts)
    }
}

extension RetryPolicy where Self == DelayList {
    /// One wait after another: `DelayList` with these values.
    public static func delays(
        _ delays: [Duration], jitter: Double = 0, maxAttempts: Int? = nil
    ) -> DelayList {
        DelayList(delays, jitter: jitter, maxAttempts: maxAttempts)
    }
}

extension RetryPolicy where Self == RetryPhases {
    /// One policy for the first failures, then another: `RetryPhases` of these.
    public static func phases(
        _ first: any RetryPolicy, failures: Int, then next: any RetryPolicy
    ) -> RetryPhases {
        RetryPhases(first, failures: failures, then: next)
    }
}
