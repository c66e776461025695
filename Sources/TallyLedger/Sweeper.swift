import TallyCore

/// Promotes due jobs and reclaims expired leases of queues that no worker polls. Both also ride on every reserve.
public struct Sweeper: Sendable {
    private let queue: any QueueDriver
    private let observer: any JobObserver

    public init(queue: any QueueDriver, observer: any JobObserver = SilentObserver()) {
        self.queue = queue
        self.observer = observer
    }

    /// Everything that is due now. Answers how many jobs moved.
    public func step() async throws -> Int {
        var moved = 0
        while true {
            let count =
                try await queue.reclaim(Limits.sweepPerCall, at: nil)
                + queue.promote(Limits.sweepPerCall, at: nil)
            moved += count
            if count == 0 { return moved }
        }
    }

    /// Until cancelled.
    public func run() async throws {
        var backoff = Backoff()
        while true {
            try Task.checkCancellation()
            do {
                let count = try await step()
                if count > 0 { observer.dutyDid("sweep", count) }
                backoff.reset()
                try await Task.sleep(for: .milliseconds(500))
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                observer.dutyFailed("sweep", error)
                try await Task.sleep(for: backoff.next())
            }
        }
    }
}
