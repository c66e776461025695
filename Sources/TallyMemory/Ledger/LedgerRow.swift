import TallyCore

/// A row of `jobs`.
struct LedgerRow: Sendable {
    var job: JobSnapshot
    /// The version of its last requeue; the mirror applies nothing below it.
    var floor = 1
    /// As which it was enqueued, whatever its priority is now: a repeat of the enqueue is judged by it.
    let enqueued: JobRecord

    init(job: JobSnapshot) {
        self.job = job
        enqueued = job.record
    }

    /// It was leased once, as far as the row tells, or requeued.
    var hasBegun: Bool {
        floor > 1 || job.startedAt != nil || job.crashes > 0 || job.attempts > job.record.attempts
    }

    var `guard`: RowGuard {
        RowGuard(status: job.status, epoch: job.epoch, version: job.version, seq: job.seq, floor: floor)
    }
}

/// A row of `outbox`: jobs on their way to the queue, at the version that the queue shall hold them at.
struct OutboxEntry: Sendable {
    var id: Int64
    var jobs: [(id: JobID, version: Int)]
    var queue: QueueName
    var at: Timestamp
    /// Rows of new jobs count them as accepted when they go; a requeue creates nothing.
    var isRequeue = false
    /// A relay is pushing it; no other may.
    var isClaimed = false
}

/// Where a page ended, as opaque text: layout, direction, last id, in hexadecimal.
struct ListCursor {
    var newestFirst: Bool
    var last: JobID

    private static let layout = "1"

    var text: String {
        let id = last.description.utf8.filter { $0 != UInt8(ascii: "-") }
        return Self.layout + (newestFirst ? "d" : "a") + String(decoding: id, as: UTF8.self)
    }

    init(newestFirst: Bool, last: JobID) {
        self.newestFirst = newestFirst
        self.last = last
    }

    /// Nil for anything that `text` did not make.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 34, text.hasPrefix(Self.layout),
            bytes[1] == UInt8(ascii: "a") || bytes[1] == UInt8(ascii: "d")
        else { return nil }
        var id = ""
        for (index, byte) in bytes.dropFirst(2).enumerated() {
            if [8, 12, 16, 20].contains(index) { id += "-" }
            id.unicodeScalars.append(Unicode.Scalar(byte))
        }
        guard let last = JobID(id), last != .zero else { return nil }
        self.init(newestFirst: bytes[1] == UInt8(ascii: "d"), last: last)
    }
}
