/// Which shard a queue lives on: XXH64 of its name, modulo their count. The ledger keeps the count, and no program
/// opens it with another one, so a queue never moves.
public struct ShardMap: Hashable, Sendable {
    /// How many shards there are.
    public let count: Int

    /// The map of so many shards.
    ///
    /// - Parameter count: 1 to `Limits.shards`.
    public init(count: Int = 1) {
        precondition(count >= 1 && count <= Limits.shards, "there are 1 to \(Limits.shards) shards")
        self.count = count
    }

    /// Where a queue lives; it is the same in every program and for ever.
    public func shard(of queue: QueueName) -> Shard {
        if count == 1 { return .first }
        return Shard(Int(XXH64.hash(Array(queue.text.utf8)) % UInt64(count)))
    }

    /// Those that the jobs of a call go to, in order.
    package func shards(of records: [JobRecord]) -> [Shard] {
        count == 1 ? [.first] : Set(records.map { shard(of: $0.queue) }).sorted()
    }

    /// All of them, in order.
    public var shards: [Shard] { (0..<count).map(Shard.init) }
}

/// One shard of a map: what a driver and the duties of its shard are responsible for.
public struct ShardPart: Hashable, Sendable, CustomStringConvertible {
    /// Which one it is.
    public let shard: Shard
    /// All of which it is one.
    public let map: ShardMap

    /// A shard of a map.
    public init(_ shard: Shard = .first, of map: ShardMap = ShardMap()) {
        precondition(Int(shard.number) < map.count, "shard \(shard) of \(map.count)")
        self.shard = shard
        self.map = map
    }

    /// The only shard.
    public static let whole = ShardPart()
    /// Whether there is no other shard.
    public var isWhole: Bool { map.count == 1 }

    /// Whether a queue lives here.
    public func holds(_ queue: QueueName) -> Bool { isWhole || map.shard(of: queue) == shard }

    /// `name` for what each shard has one of: as it is where there is one shard, else with the shard's number.
    public func name(_ name: String) -> String { isWhole ? name : "\(name)/\(shard)" }

    public var description: String { "shard \(shard) of \(map.count)" }

    /// Why a job of this queue must not come here; nil = it may.
    package func problem(_ queue: QueueName) -> String? {
        holds(queue) ? nil : "queue \(queue) lives on shard \(map.shard(of: queue)), and this is \(self)"
    }

    /// What every driver refuses before anything is sent.
    package func check(_ jobs: [Push]) throws(QueueError) {
        if isWhole { return }
        for job in jobs {
            if let why = problem(job.record.queue) { throw QueueError(.invalid, "push", why) }
        }
    }
    /// What every driver refuses too: a position in the log of another shard.
    package func check(_ position: LogPosition, _ operation: String) throws(QueueError) {
        if position.shard != shard {
            throw QueueError(.invalid, operation, "\(position) is no place in the log of \(self)")
        }
    }
}

extension QueueRepair.Action {
    /// Also refused: what would put a job on a shard that its queue does not live on.
    package func problem(at now: Timestamp, on part: ShardPart) -> String? {
        switch self {
        case .push(let push): part.problem(push.record.queue) ?? problem(at: now)
        case .restore(let job, _): part.problem(job.record.queue) ?? problem(at: now)
        default: problem(at: now)
        }
    }
}
