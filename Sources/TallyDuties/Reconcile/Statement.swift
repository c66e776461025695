import TallyCore

/// The proof in one line: accepted = active + completed + failed + cancelled, and nothing differs.
public struct Statement: Hashable, Sendable, CustomStringConvertible {
    /// Distinct jobs ever created, less those whose rows were deleted.
    public var accepted: Int
    /// Jobs that have completed.
    public var completed: Int
    /// Jobs in the dead-letter set.
    public var failed: Int
    /// Jobs that were cancelled.
    public var cancelled: Int
    /// Jobs that have not ended, those in the outbox included.
    public var active: Int
    /// Jobs that wait for their push.
    public var outbox: Int
    /// How long the oldest of them has waited, by the ledger's clock.
    public var outboxAge: Duration
    /// Findings of the run that were not mended.
    public var drift: Int
    /// The other half's account, one a shard, where it keeps one and could be read.
    public var queues: [QueueSurvey]
    /// Which shards there are, whether their accounts could be read or not.
    public var map: ShardMap

    /// The statement of these totals; both halves' accounts are of the moment in which they were read.
    public init(
        _ balances: Balances, drift: Int, queues: [QueueSurvey] = [], map: ShardMap = ShardMap()
    ) {
        accepted = balances.accepted - balances.purged
        completed = balances.completed
        failed = balances.failed
        cancelled = balances.cancelled
        active = balances.active
        outbox = balances.outbox
        outboxAge = balances.outboxAge
        self.drift = drift
        self.queues = queues
        self.map = map
    }
    /// Whether the sum holds in each half and nothing differs.
    public var holds: Bool {
        drift == 0 && accepted == completed + failed + cancelled + active
            && queues.allSatisfy { $0.missing == 0 }
    }
    public var description: String {
        "statement accepted=\(accepted) completed=\(completed) failed=\(failed) cancelled=\(cancelled) "
            + "active=\(active) outbox=\(outbox) outbox_age=\(outboxAge.components.seconds)s drift=\(drift)"
    }
    /// The queue's half, a line a shard: held as its epoch began + entered since = held + ended since.
    public var queueDescriptions: [String] {
        queues.map {
            (map.count > 1 ? "redis \($0.history.shard)   " : "redis     ")
                + "epoch=\($0.history.epoch) began_with=\($0.base) entered=\($0.entered) "
                + "completed=\($0.completed) failed=\($0.failed) cancelled=\($0.cancelled) held=\($0.held)"
        }
    }
}
