import TallyCore

/// What became of a change of a waiting job. Only `changed` changed anything.
public enum ChangeOutcome: Hashable, Sendable {
    /// It waits now so, at this version; the ledger follows.
    case changed(JobStatus, version: Int)
    /// It runs: what its next wait comes to, its worker says.
    case running
    /// It has ended.
    case ended(JobStatus)
    /// It is recorded and not in Redis yet, such as one that waits for room in its queue: ask again once it is.
    case notInQueue
    /// It kept moving meanwhile: ask again.
    case raced
    /// No half has a job of this id.
    case notFound
}

/// Changes a waiting job in the live half, which alone decides whether a reserve was first; what that does not hold
/// is looked up in the ledger, and left as it is. Of several shards the first that holds the id is the one.
package struct Changer: Sendable {
    private let queue: ShardedQueue
    private let ledger: LedgerStore?

    /// Without a ledger only the queue is asked.
    package init(queue: any ShardedDriver, ledger: (any LedgerDriver)?) {
        self.queue = queue.sharded
        self.ledger = ledger?.store
    }

    /// - Throws: `QueueError`: `.uncertain` where the answer was lost, and it may be asked again; `.unsupported` for
    ///   a driver without changes; `.invalid` for neither time nor priority, and for a time beyond ten years. Of
    ///   several shards one that is away is told where no other has the job.
    package func change(
        _ id: JobID, runAt: Timestamp?, priority: JobPriority?
    ) async throws -> ChangeOutcome {
        if runAt == nil, priority == nil {
            throw QueueError(.invalid, "change", "give a time or a priority")
        }
        if let problem = JobRules.runAtProblem(runAt, from: .now) {
            throw QueueError(.invalid, "change", "\(problem)")
        }
        var (end, failure): (JobStatus?, QueueError?) = (nil, nil)
        for store in queue.shards {
            do throws(QueueError) {
                guard let changes = store.changes else {
                    throw QueueError(.unsupported, "change", "this queue driver changes no waiting job")
                }
                switch try await changes.change(id, runAt: runAt, priority: priority) {
                case .changed(let status, let version): return .changed(status, version: version)
                case .processing: return .running
                case .raced: return .raced
                case .ended(let status): end = status
                case .unknown: break
                }
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        if let end { return .ended(end) }
        guard let row = try await ledger?.inspection.jobs([id])[id] else { return .notFound }
        return row.status.isTerminal ? .ended(row.status) : .notInQueue
    }
}

extension JobClient {
    /// Gives a waiting job another time, another priority, or both. Where it is about to run whoever comes first
    /// wins: the change, and it waits anew; or the worker, and it is `.running`.
    ///
    /// It is a step of the job's history, at its next version. Attempts, crashes, unique key and body stay. Until the
    /// mirror has brought it to the ledger, a Redis that loses its data forgets it.
    ///
    /// - Parameter runAt: from 1970 to ten years ahead; one that has passed makes it runnable. nil, the default,
    ///   leaves its time.
    /// - Parameter priority: nil, the default, leaves it. An enqueue that is repeated under the id of a job of which
    ///   it was changed is the same job still.
    /// - Throws: `QueueError` or `LedgerError`, such as `.full` while the log in Redis is full; after `.uncertain` it
    ///   may be asked again.
    @discardableResult
    public func change(
        _ id: JobID, runAt: Timestamp? = nil, priority: JobPriority? = nil
    ) async throws -> ChangeOutcome {
        try await changer.change(id, runAt: runAt, priority: priority)
    }
}
