import TallyCore

/// A job as the queue holds it. Terminal jobs are not held: they leave a tombstone.
struct QueuedJob: Sendable {
    var record: JobRecord
    var version: Int
    var status: JobStatus
    var attempts: Int
    var crashes = 0
    var cancelRequested = false
    /// The due time it carries. Kept through promotion and the first lease, so that the first reserve can tell it.
    var runAt: Timestamp?
    var error: String?
    var failedAt: Timestamp?
    /// Only while `processing`.
    var lease: Lease?
    /// The unique key that this job took when it was pushed; a recorded job's key is the ledger's affair.
    var claim: UniqueSlot?

    /// It was leased once, or came with a version that says so.
    var hasBegun = false

    /// It has not begun, and may not any more: one that has begun in time goes on, and so does one that somebody
    /// requeued.
    func isOver(by time: Timestamp) -> Bool { !hasBegun && record.notAfter.map { $0 <= time } ?? false }

    var element: Element { Element(id: record.id, version: version) }

    func snapshot() -> JobSnapshot {
        JobSnapshot(
            record: record, status: status, version: version, attempts: attempts, crashes: crashes,
            runAt: runAt,
            lease: lease, cancelRequested: cancelRequested, error: error, failedAt: failedAt)
    }
}

/// What stands in the lists and sets for a job: outdated as soon as the job's version has moved on.
struct Element: Hashable, Comparable, Sendable {
    var id: JobID
    var version: Int

    static func < (a: Element, b: Element) -> Bool { a.id == b.id ? a.version < b.version : a.id < b.id }
}

/// A unique key's place: one key in one queue.
struct UniqueSlot: Hashable, Sendable {
    var queue: QueueName
    var key: String
}

/// Who holds a unique key. `until` nil = until its job is terminal.
struct UniqueHolder: Sendable {
    var id: JobID
    var until: Timestamp?

    func isLive(at now: Timestamp) -> Bool { until.map { $0 > now } ?? true }
}
