import TallyCore

/// The log of one shard: entries in order, dense within an epoch, trimmed from the front.
struct MemoryLog: Sendable {
    private(set) var entries: [LogEntry] = []
    private(set) var end: LogPosition

    init(_ shard: Shard) { end = .start(of: shard) }

    mutating func append(epoch: Int64, _ make: (LogPosition) -> LogEntry) {
        end = LogPosition(
            shard: end.shard, epoch: epoch, seq: end.epoch == epoch ? end.seq + 1 : 1)
        entries.append(make(end))
    }

    func entries(after position: LogPosition, limit: Int, bytes: Int) -> [LogEntry] {
        var left = bytes
        var found: [LogEntry] = []
        for entry in entries[first(after: position)...].prefix(max(0, limit)) {
            found.append(entry)
            left -= entry.weight
            if left <= 0 { break }
        }
        return found
    }

    mutating func trim(upTo position: LogPosition) { entries.removeFirst(first(after: position)) }

    private func first(after position: LogPosition) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].position <= position { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
