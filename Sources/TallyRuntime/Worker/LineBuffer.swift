import TallyCore

/// What handlers have logged and no queue has heard yet, by the shard of their leases. Pure.
struct LineBuffer: Sendable {
    private var waiting: [Shard: [AttemptLine]] = [:]
    private var bytes = 0

    /// False where too much waits already: a store that is away must not fill the worker's memory.
    mutating func add(_ line: AttemptLine, of shard: Shard) -> Bool {
        if bytes + Self.weight(line) > Limits.linesWaitingBytes { return false }
        bytes += Self.weight(line)
        waiting[shard, default: []].append(line)
        return true
    }

    /// Takes the next ones for a report to that shard.
    mutating func take(of shard: Shard) -> [AttemptLine] {
        guard let lines = waiting[shard] else { return [] }
        var (count, taken) = (0, 0)
        for line in lines {
            taken += Self.weight(line)
            if count > 0, taken > Limits.toldLinesBytes { break }
            count += 1
        }
        waiting[shard] = count == lines.count ? nil : Array(lines[count...])
        bytes -= lines[..<count].reduce(0) { $0 + Self.weight($1) }
        return Array(lines[..<count])
    }

    /// Lines that the queue may not have heard. They come first again; what waits meanwhile may go a little beyond
    /// the bound.
    mutating func putBack(_ lines: [AttemptLine], of shard: Shard) {
        if lines.isEmpty { return }
        bytes += lines.reduce(0) { $0 + Self.weight($1) }
        waiting[shard] = lines + (waiting[shard] ?? [])
    }

    /// Whether any wait for a report to that shard.
    func hasMore(of shard: Shard) -> Bool { waiting[shard] != nil }

    /// What a line holds, nearly.
    private static func weight(_ line: AttemptLine) -> Int { line.text.utf8.count + 64 }
}
