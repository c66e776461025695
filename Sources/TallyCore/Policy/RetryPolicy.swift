/// How long to wait before the next attempt, how many attempts there are, and for how long. Pure: randomness and time
/// are passed in.
///
///     JobPolicy(backoff: .exponential(base: .seconds(2)))
///     JobPolicy(backoff: .fixed(.seconds(30)).limited(total: .seconds(3600)))
///     JobPolicy(backoff: .delays([.seconds(1), .seconds(10), .seconds(60)]))
///     JobPolicy(attempts: 20, backoff: .phases(.fixed(.seconds(1)), failures: 5, then: .exponential()))
public protocol RetryPolicy: Sendable {
    /// Failures after which a job is `failed`; 0 = the first failure is final.
    var maxAttempts: Int { get }
    /// No attempt begins later than so long after the job could first begin: its creation, or the time that it was
    /// scheduled for. nil = however long it takes.
    var maxTotal: Duration? { get }
    /// How long the job waits for its next attempt. Equal arguments give equal answers, so that a schedule can be
    /// tested.
    ///
    /// - Parameter attempt: the number of the failure just seen, from 1.
    /// - Parameter random: uniform in 0..<1.
    func delay(afterFailure attempt: Int, random: Double) -> Duration
}

/// base × multiplier^(n−1), capped, then spread by ± jitter and capped again. Defined for every attempt number: the
/// growth is cut at the cap before it can overflow.
public struct ExponentialBackoff: RetryPolicy, Hashable {
    /// The wait after the first failure, before jitter.
    public let base: Duration
    /// No wait is longer.
    public let cap: Duration
    /// Each further failure waits so many times as long.
    public let multiplier: Double
    /// The part of a wait, from 0 to 1, that chance may add or take away.
    public let jitter: Double
    /// Failures after which a job is failed for good, 0 or more. Of a `Job` it is `JobPolicy.attempts` that
    /// counts, whatever stands here.
    public let maxAttempts: Int

    /// Values out of range are brought into it: cap ≥ base ≥ 0, multiplier ≥ 1, jitter in 0...1, attempts ≥ 0.
    public init(
        base: Duration = Limits.backoffBase, cap: Duration = Limits.backoffCap,
        multiplier: Double = Limits.backoffMultiplier, jitter: Double = Limits.backoffJitter,
        maxAttempts: Int = Limits.maxAttempts
    ) {
        self.base = max(.zero, base)
        self.cap = max(self.base, cap)
        self.multiplier = multiplier.isFinite ? max(1, multiplier) : 1
        self.jitter = Jitter.part(jitter)
        self.maxAttempts = max(0, maxAttempts)
    }

    /// From zero to `cap`, in whole microseconds. Zero for an `attempt` below 1 and for a `base` of zero; a
    /// `random` out of 0...1 is brought into it.
    public func delay(afterFailure attempt: Int, random: Double) -> Duration {
        guard attempt > 0, base > .zero else { return .zero }
        let limit = Double(cap.microseconds)
        var delay = Double(base.microseconds)
        var step = 1
        while step < attempt, delay < limit, multiplier > 1 {
            delay *= multiplier
            step += 1
        }
        delay = min(delay, limit) * Jitter.factor(jitter, random)
        // Not smaller is the cap itself: as a Double it may lie beyond what 64 bits hold.
        return delay < limit ? .microseconds(Int64(delay)) : cap
    }
}

/// The part of a wait that chance adds or takes away.
enum Jitter {
    /// In 0...1; 0 for what is no number.
    static func part(_ jitter: Double) -> Double { jitter.isFinite ? min(1, max(0, jitter)) : 0 }

    /// What a wait is multiplied by: from 1 − `jitter` to 1 + `jitter`.
    static func factor(_ jitter: Double, _ random: Double) -> Double {
        1 - jitter + 2 * jitter * min(1, max(0, random))
    }

    /// The wait in whole microseconds. A bounded wait, twice as long, is far from what 64 bits hold.
    static func of(_ wait: Duration, _ jitter: Double, _ random: Double) -> Duration {
        if jitter == 0 { return wait }
        return .microseconds(Int64(Double(wait.microseconds) * factor(jitter, random)))
    }
}

/// What to do after a failed attempt.
public enum FailureDecision: Hashable, Sendable {
    /// The job is to wait for so long and then be run again.
    case retry(after: Duration)
    /// The job is to be failed for good: no attempt is left, the time for them is spent, or the failure was final.
    case fail
}

extension RetryPolicy {
    /// However long it takes, so that a policy of one's own says nothing of it.
    public var maxTotal: Duration? { nil }

    /// The smaller of the job's and the policy's limit; 0 on the job leaves it to the policy; a policy of 0 fails at
    /// once.
    public func effectiveMax(job: Int) -> Int { job == 0 ? maxAttempts : min(job, maxAttempts) }

    /// What becomes of a job after a failure.
    ///
    /// - Parameters:
    ///   - attempts: failures, the one just seen included.
    ///   - elapsed: since the job could first begin; below zero counts as zero.
    ///   - delay: the wait where the policy's own is not to count.
    public func decide(
        attempts: Int, jobMax: Int, isFinal: Bool, elapsed: Duration = .zero, delay: Duration? = nil,
        random: Double
    ) -> FailureDecision {
        if isFinal || attempts >= effectiveMax(job: jobMax) { return .fail }
        let wait = max(.zero, delay ?? self.delay(afterFailure: attempts, random: random))
        // Both sides of zero or above, and the smaller is taken away: no difference of them overflows.
        if let maxTotal, max(.zero, elapsed) > maxTotal - min(wait, maxTotal) || wait > maxTotal {
            return .fail
        }
        return .retry(after: wait)
    }
}
