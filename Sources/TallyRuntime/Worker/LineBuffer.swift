import TallyCore

/// What handlers have logged and no queue has heard yet, by the shard of their leases. Pure.
struct LineBuffer: Sendable {
    /// What one report brings.
    struct Told: Sendable {
        var lines: [AttemptLine] = []
        /// How many were left out before the first of these.
        var leftOut = 0

        /// The first of them says what is missing before it.
        var asTold: [AttemptLine] {
            guard leftOut > 0, let first = lines.first else { return lines }
            let text = "(left out before this: \(leftOut) of its worker's lines) \(first.text)"
            var told = lines
            told[0].text = ErrorText.clean(text, upTo: Limits.attemptLineBytes)
            return told
        }
    }

    private var waiting: [Shard: [AttemptLine]] = [:]
    private var bytes = 0
    private var leftOut: [Shard: Int] = [:]
    /// Those whose log had no room when they were asked last.
    private var full: Set<Shard> = []

    /// False where it is left out: too much waits already, for a store that is away must not fill the worker's
    /// memory; or the log has no room, for jobs need it more.
    mutating func add(_ line: AttemptLine, of shard: Shard) -> Bool {
        if full.contains(shard) || bytes + Self.weight(line) > Limits.linesWaitingBytes {
            leftOut[shard, default: 0] += 1
            return false
        }
        bytes += Self.weight(line)
        waiting[shard, default: []].append(line)
        return true
    }

    /// Takes the next ones for a report to that shard.
    mutating func take(of shard: Shard) -> Told {
        guard let lines = waiting[shard] else { return Told() }
        var (count, taken) = (0, 0)
        for line in lines {
            taken += Self.weight(line)
            if count > 0, taken > Limits.toldLinesBytes { break }
            count += 1
        }
        waiting[shard] = count == lines.count ? nil : Array(lines[count...])
        bytes -= lines[..<count].reduce(0) { $0 + Self.weight($1) }
        return Told(lines: Array(lines[..<count]), leftOut: leftOut.removeValue(forKey: shard) ?? 0)
    }

    /// Lines that the queue may not have heard. They come first again; what waits meanwhile may go a little beyond
    /// the bound.
    mutating func putBack(_ told: Told, of shard: Shard) {
        if told.leftOut > 0 { leftOut[shard, default: 0] += told.leftOut }
        if told.lines.isEmpty { return }
        bytes += told.lines.reduce(0) { $0 + Self.weight($1) }
        waiting[shard] = told.lines + (waiting[shard] ?? [])
    }

    /// What the queue answered. Where its log has no room nothing waits for that: it is left out, and counted.
    mutating func heard(_ told: Told, _ answer: BeatAnswer, of shard: Shard) {
        if answer.hasRoom {
            full.remove(shard)
            return
        }
        full.insert(shard)
        let dropped = waiting.removeValue(forKey: shard) ?? []
        bytes -= dropped.reduce(0) { $0 + Self.weight($1) }
        let count = told.lines.count + told.leftOut + dropped.count
        if count > 0 { leftOut[shard, default: 0] += count }
    }

    /// Whether a report may come before the next heartbeat.
    func mayTell(_ shard: Shard) -> Bool { !full.contains(shard) }

    /// Whether any wait for a report to that shard.
    func hasMore(of shard: Shard) -> Bool { waiting[shard] != nil }

    /// What a line holds, nearly.
    private static func weight(_ line: AttemptLine) -> Int { line.text.utf8.count + 64 }
}
