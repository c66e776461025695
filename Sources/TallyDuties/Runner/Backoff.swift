import TallyCore

/// Waits between tries of a duty whose store is away: doubling, capped, jittered so that a fleet does not march in
/// step.
package struct Backoff: Sendable {
    private var policy = ExponentialBackoff(
        base: Limits.retryStoreBase, cap: Limits.retryStoreCap, jitter: 0.5)
    private var failures = 0
    /// Begins with the shortest wait.
    package init() {}
    /// The wait after one more failure.
    package mutating func next() -> Duration {
        failures += 1
        return policy.delay(afterFailure: failures, random: .random(in: 0..<1))
    }
    /// Begins anew, after a success.
    package mutating func reset() { failures = 0 }
}
