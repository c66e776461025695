import TallyCore

/// Promotes due jobs and reclaims expired leases of queues that no worker reserves from. Both also ride on every
/// reserve.
public struct Sweeper: Sendable {
    private let queue: any QueueControl
    private let part: ShardPart

    /// A sweeper of this queue.
    public init(queue: any QueueDriver) {
        self.queue = queue.store.control
        part = queue.store.part
    }

    /// What is due now, up to `Limits.sweepCalls` calls of it. Answers how many jobs moved.
    public func step() async throws -> Int {
        var moved = 0
        for _ in 0..<Limits.sweepCalls {
            let count =
                try await queue.reclaim(Limits.sweepPerCall) + queue.promote(Limits.sweepPerCall)
            moved += count
            if count == 0 { break }
        }
        return moved
    }

    /// The sweep as a duty; any number of processes may run it.
    package func duty() -> Duty {
        Duty(part.name("sweep"), pause: .afterStep(Limits.sweep)) {
            let moved = try await step()
            return Duty.Step(moved, isMore: moved >= Limits.sweepCalls * Limits.sweepPerCall)
        }
    }
}
