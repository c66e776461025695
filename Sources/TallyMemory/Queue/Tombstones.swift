import TallyCore

/// How terminal jobs ended, remembered long enough that no late push brings one back.
///
/// Two generations: the older one is dropped whole, `Limits.tombstone` after the mirror reported that the ledger
/// holds its last entry; the younger then takes its place. Dropping one by one would need a time for each.
struct Tombstones: Sendable {
    private var young: [JobID: QueueView.Ended] = [:]
    private var old: [JobID: QueueView.Ended] = [:]
    /// The log end when `old` was closed, and when the mirror reported it.
    private var closedAt: LogPosition
    private var reportedAt: Timestamp?

    init(_ shard: Shard) { closedAt = .start(of: shard) }

    subscript(id: JobID) -> QueueView.Ended? { young[id] ?? old[id] }

    mutating func write(_ id: JobID, _ end: QueueView.Ended) {
        old[id] = nil
        young[id] = end
    }

    mutating func remove(_ id: JobID) {
        young[id] = nil
        old[id] = nil
    }

    /// - Parameter end: the last log entry written, which covers every tombstone of the younger generation.
    mutating func report(applied: LogPosition, end: LogPosition, at now: Timestamp) {
        if reportedAt == nil, applied >= closedAt { reportedAt = now }
        guard let reported = reportedAt, now - reported >= Limits.tombstone else { return }
        old = young
        young = [:]
        closedAt = end
        reportedAt = applied >= end ? now : nil
    }
}
