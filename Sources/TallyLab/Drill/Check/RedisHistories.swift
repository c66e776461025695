import TallyCore

/// Which history of Redis knew what. Histories are a tree: the first entry of every epoch names the epoch before it
/// and that one's last entry, as far as the server still had it. What came after that entry was forgotten.
struct RedisHistories: Sendable {
    private struct Epoch: Hashable {
        var shard: Shard
        var number: Int64
    }
    private var left: [Epoch: LogPosition] = [:]

    /// - Parameter position: where the epoch before it ended for it.
    mutating func add(_ epoch: Int64, leaving position: LogPosition) {
        left[Epoch(shard: position.shard, number: epoch)] = position
    }

    /// Whether the history that wrote `later` had `earlier` in it; nil where an epoch between them is not known.
    func knew(_ earlier: LogPosition, at later: LogPosition) -> Bool? {
        var position = later
        while position.epoch > earlier.epoch {
            guard let before = left[Epoch(shard: later.shard, number: position.epoch)],
                before.epoch < position.epoch
            else { return nil }
            position = before
        }
        return position.epoch == earlier.epoch && earlier.seq <= position.seq
    }
}
