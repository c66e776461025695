import TallyCore

/// The log does not continue where the ledger stands.
public struct LogGap: Error, Hashable, Sendable, CustomStringConvertible {
    /// The last entry before the gap.
    public let after: LogPosition
    /// The first entry behind it.
    public let found: LogPosition
    public var description: String {
        "the log continues at \(found), but the ledger stands at \(after): entries between them are gone"
    }

    /// How many of the entries are dense from `after` on. A new epoch may follow any position; a ledger that begins
    /// now, beside a Redis that has been trimmed, starts where the log starts.
    ///
    /// - Throws: where none of them is: what stands before a gap is applied first, so that a gap is told only once
    ///   the ledger stands at it, and can be closed.
    static func dense(_ entries: [LogEntry], after: LogPosition) throws(LogGap) -> Int {
        var last = after
        for (index, entry) in entries.enumerated() {
            let position = entry.position
            // What stands in another log continues nothing.
            let follows =
                position.epoch == last.epoch
                ? position.seq == last.seq + 1 : position.epoch > last.epoch && position.seq == 1
            guard position.shard == last.shard, follows || last.isStart else {
                if index > 0 { return index }
                throw LogGap(after: last, found: position)
            }
            last = position
        }
        return entries.count
    }
}
