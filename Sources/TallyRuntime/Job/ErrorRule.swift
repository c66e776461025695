import TallyCore

/// What an error that a handler threw means for its job, by the type of the error.
///
///     static let policy = JobPolicy(errors: [
///         ErrorRule(LoginFailed.self, .fail),
///         ErrorRule(ConnectionRefused.self, .retry(after: .seconds(2))),
///         ErrorRule(TooManyRequests.self) { .snooze($0.retryAfter) },
///     ])
///
/// How a run ends is decided in this order:
///
/// 1. A lease that was lost: nothing may be reported.
/// 2. A return of the handler: the job completes, whatever was asked meanwhile.
/// 3. `JobError.snooze` and `.stale`: the handler's own word.
/// 4. A worker that stops hands the job back; a cancellation that was asked for ends it.
/// 5. `JobError.final`: the job fails for good.
/// 6. The rules of the handler in their order, then those of `WorkerConfiguration.errors`; the first that has a
///    verdict counts. A run that took longer than the job's timeout counts as `RunTimedOut`, whatever it threw.
/// 7. The retry policy of the handler.
public struct ErrorRule: Sendable {
    /// What becomes of the job.
    public enum Verdict: Hashable, Sendable {
        /// Another attempt, as far as policy and job allow one; `after` in place of the policy's wait.
        case retry(after: Duration? = nil)
        /// To the dead-letter set at once.
        case fail
        /// Not now: run again after this long. No attempt is counted, so it ends only with the error.
        case snooze(Duration)
    }

    private let judge: @Sendable (any Error) -> Verdict?

    /// One verdict for all errors of a type; `(any Error).self` stands for all that are.
    public init<Failure: Error>(_: Failure.Type, _ verdict: Verdict) {
        judge = { $0 is Failure ? verdict : nil }
    }

    /// A verdict by what the error says.
    ///
    /// - Parameter judge: pure and quick; nil = the next rule is asked.
    public init<Failure: Error>(_: Failure.Type, _ judge: @escaping @Sendable (Failure) -> Verdict?) {
        self.judge = { ($0 as? Failure).flatMap(judge) }
    }

    /// What it says of an error; nil = it is not about this one.
    public func verdict(on error: any Error) -> Verdict? { judge(error) }
}

/// A run took longer than it may: by the job's timeout, or by `JobMiddleware.timeout`.
public struct RunTimedOut: Error, Hashable, Sendable, CustomStringConvertible {
    /// How long it was allowed to take.
    public let limit: Duration
    /// The error of a run that was given so long.
    public init(after limit: Duration) { self.limit = limit }
    public var description: String { "timed out after \(limit)" }
}

/// What the failures of a handler lead to.
struct FailurePlan: Sendable {
    /// nil = the first failure is final.
    var retries: (any RetryPolicy)?
    /// Asked in their order, before the policy.
    var rules: [ErrorRule] = []

    /// Without a policy and without rules.
    static let once = FailurePlan(retries: nil)

    func verdict(on error: any Error) -> ErrorRule.Verdict? {
        for rule in rules {
            if let verdict = rule.verdict(on: error) { return verdict }
        }
        return nil
    }
}
