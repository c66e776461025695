import TallyCore

/// A queued job as its row will be: the columns that a snapshot leaves open, filled so that the row's checks hold.
struct CreatedRow {
    let job: JobSnapshot
    let projection: Projection
    let result: Projection?
    let updatedAt: Timestamp
    let scheduledAt: Timestamp
    let completedAt: Timestamp?
    let runAt: Timestamp?
    let failedAt: Timestamp?

    init(_ job: JobSnapshot) {
        self.job = job
        projection = Projection(of: job.record.body, codec: job.record.codec)
        result = job.result.flatMap { $0.isEmpty ? nil : Projection(of: $0, codec: "json") }
        updatedAt = job.updatedAt ?? job.completedAt ?? job.record.createdAt
        scheduledAt = job.record.runAt ?? job.record.createdAt
        completedAt = job.status.isTerminal ? job.completedAt ?? updatedAt : nil
        let waits = job.status == .scheduled || job.status == .retrying
        runAt = waits ? job.runAt ?? job.record.runAt ?? updatedAt : nil
        failedAt = job.failedAt ?? (job.status == .failed || job.status == .retrying ? updatedAt : nil)
    }

    var resultBody: [UInt8]? { result == nil ? nil : job.result }
}

/// What goes into quarantine, and why.
struct Aside {
    var job: JobID
    var position: LogPosition
    var source: String
    var reason: String
    var raw: [UInt8]
    /// Why the server refused it: somebody's open transaction holds its row.
    var isRowHeld = false

    init(_ unreadable: (job: JobID, position: LogPosition, bytes: [UInt8])) {
        (job, position, raw) = unreadable
        source = "unreadable"
        reason = "the bytes are not a record"
    }
    init(_ event: JobEvent, _ why: LedgerError) {
        self.init(event.job, event.position, "event", why, "\(event)")
    }
    init(_ change: RowChange, _ why: LedgerError) {
        self.init(change.id, LogPosition(epoch: change.epoch, seq: change.seq), "changed", why, "\(change)")
    }
    /// Beats are about no job: only the place of its own entry tells one from the next, wherever a batch is cut.
    init(_ beat: (beat: WorkerBeat, at: Timestamp, position: LogPosition), _ why: LedgerError) {
        self.init(.zero, beat.position, "beat", why, "\(beat)")
    }
    /// By the place of the report that brought it.
    init(_ line: (line: AttemptLine, position: LogPosition), _ why: LedgerError) {
        self.init(line.line.job, line.position, "line", why, "\(line.line)")
    }
    /// The fields as text, an empty line, then the body as it is.
    init(_ created: CreatedRow, _ why: LedgerError) {
        var job = created.job
        job.record.body = []
        self.init(
            job.record.id, LogPosition(epoch: job.epoch, seq: job.seq), "created", why, "\(job)\n\n")
        raw += created.job.record.body
    }
    /// What the quarantine itself is refused: the bytes stay, the reason is told in words that every encoding holds.
    func withoutText(_ why: LedgerError) -> Aside {
        var bare = self
        bare.source = source.filter(\.isASCII)
        bare.reason = "refused, and so was the text that says why: \(why.sqlState.filter(\.isASCII))"
        return bare
    }
    private init(_ job: JobID, _ position: LogPosition, _ source: String, _ why: LedgerError, _ raw: String) {
        self.job = job
        self.position = position
        self.source = source
        reason = why.description
        isRowHeld = why.isRowHeld
        self.raw = Array(raw.utf8)
    }
}
