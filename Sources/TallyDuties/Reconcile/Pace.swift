import Synchronization
import TallyCore

/// Keeps a run within its share of the stores: jobs a second, and milliseconds of calls a second to each half.
final class Pace: Sendable {
    private struct Spent: Sendable {
        var began = ContinuousClock.now
        var jobs = 0
        var queue = Duration.zero
        var ledger = Duration.zero
    }
    private let spent = Mutex(Spent())
    private let jobs: Int
    private let queue: Duration
    private let ledger: Duration

    init(
        jobs: Int = Limits.patrolJobs, queue: Duration = Limits.patrolRedis,
        ledger: Duration = Limits.patrolPostgres
    ) {
        self.jobs = jobs
        self.queue = queue
        self.ledger = ledger
    }

    func spend(jobs: Int = 0, queue: Duration = .zero, ledger: Duration = .zero) {
        spent.withLock {
            $0.jobs += jobs
            $0.queue += queue
            $0.ledger += ledger
        }
    }

    /// How long the run must have taken for what it has spent.
    func due(jobs count: Int, queue time: Duration, ledger other: Duration) -> Duration {
        max(
            .seconds(1) * (Double(count) / Double(jobs)), .seconds(1) * (time / queue),
            .seconds(1) * (other / ledger))
    }

    /// How long the run must have taken for what it has spent so far.
    var owed: Duration { spent.withLock { due(jobs: $0.jobs, queue: $0.queue, ledger: $0.ledger) } }

    /// Returns when the run may go on.
    func rest() async throws {
        let until = spent.withLock { $0.began } + owed
        if until > .now { try await Task.sleep(until: until, clock: .continuous) }
    }
}
