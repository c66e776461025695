import TallyCore

/// The jobs that a worker was given and has no handler for. Pure: randomness is passed in.
struct UnknownTypes: Sendable {
    /// How often each type was met, of the first `Limits.unknownTypesTold` types.
    private(set) var counts: [String: Int] = [:]

    mutating func count(_ type: JobType) {
        if counts[type.text] == nil, counts.count >= Limits.unknownTypesTold { return }
        counts[type.text, default: 0] += 1
    }

    /// How long such a job is handed back for: `first`, then twice as long each time, up to
    /// `Limits.unknownTypeCap`. The job itself says how often it was handed back, so the wait grows over all
    /// workers, and over their restarts.
    static func delay(_ job: ReservedJob, first: Duration, random: Double) -> Duration {
        // Each lease raises the version; those that ended otherwise were counted. A requeue counts as one more, and
        // so does a change.
        let returns = max(0, job.lease.version - 2 - job.attempts - job.crashes)
        let base = min(first, Limits.farthestRunAt)
        let growth = ExponentialBackoff(base: base, cap: max(base, Limits.unknownTypeCap))
        return growth.delay(afterFailure: min(returns, Limits.maxAttemptsBound) + 1, random: random)
    }
}
