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

    /// - Throws: when the entries are not dense from `after` on. A new epoch may follow any position; a ledger that
    ///   begins now, beside a Redis that has been trimmed, starts where the log starts.
    static func check(_ entries: [LogEntry], after: LogPosition) throws(LogGap) {
        var last = after
        for entry in entries {
            let position = entry.position
            // What stands in another log continues nothing.
            let follows =
                position.epoch == last.epoch
                ? position.seq == last.seq + 1 : position.epoch > last.epoch && position.seq == 1
            guard position.shard == last.shard, follows || last.isStart else {
                throw LogGap(after: last, found: position)
            }
            last = position
        }
    }
}
