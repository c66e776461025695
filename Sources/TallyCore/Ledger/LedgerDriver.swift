/// The record: every job, every transition, every worker; and the outbox through which recorded jobs reach the queue.
public protocol LedgerDriver: Sendable {
    // MARK: Enqueue

    /// Commits job rows, and for the new ones an outbox row a queue, in one transaction. Idempotent by id: a row that
    /// is there already answers `.exists`, a taken unique key `.duplicate`; neither writes anything.
    ///
    /// - Parameter together: all or none: where the id of one belongs to other content, nothing is written, and the
    ///   others answer `.withheld`.
    /// - Throws: `.refused` when the data of any one job was refused (nothing was written: retry one by one);
    ///   `.uncertain` when the commit's answer was lost.
    func record(_ jobs: [JobRecord], together: Bool) async throws(LedgerError) -> RecordReceipt

    /// What the ledger's clock shows: it judges ids and stamps creation.
    func clock() async throws(LedgerError) -> Timestamp

    /// The queue has the jobs of these outbox rows: deletes them and counts the jobs as accepted. May be repeated.
    func finishOutbox(_ ids: [OutboxID]) async throws(LedgerError)

    /// Claims outbox rows, queue by queue, re-reads their jobs in the same statement, hands each row to `push`, and
    /// does what it answers: the jobs that the queue took leave the outbox, those that were left stay in it, those
    /// that no push can bring to the queue are set aside: they end as failed, with the reason, and stand in
    /// quarantine. A crash in between releases the claim. A row whose jobs are all terminal is deleted without a
    /// push.
    func relay(
        _ claim: RelayClaim, push: @Sendable (OutboxRow) async throws -> RelayVerdict
    ) async throws(LedgerError) -> RelayPass

    // MARK: Mirror

    /// The last log position applied, of shard 0.
    func cursor() async throws(LedgerError) -> LogPosition

    /// Applies a batch in one transaction, if the cursor still stands at `batch.after`; false if another mirror has
    /// moved it. Rows that the server refuses go to quarantine, the others are applied.
    func apply(_ batch: MirrorBatch) async throws(LedgerError) -> Bool

    // MARK: Change

    /// failed → pending at version + 1 (or scheduled, when `runAt` lies ahead), with event and outbox row, if the row
    /// is still failed at `version`.
    ///
    /// - Parameter despiteEffect: a job whose effect is committed is done; if it shall run again all the same, its
    ///   effect is forgotten.
    func requeue(
        _ id: JobID, seen version: Int, runAt: Timestamp?, resetAttempts: Bool, actor: String,
        despiteEffect: Bool
    ) async throws(LedgerError) -> RequeueAnswer

    /// Makes a non-terminal row `cancelled`, if its version is not above `version` and the mirror's cursor is in
    /// `epoch`.
    func recordCancel(_ id: JobID, version: Int, epoch: Int64) async throws(LedgerError) -> RecordCancelAnswer

    // MARK: Read

    func jobs(_ ids: [JobID]) async throws(LedgerError) -> [JobID: JobSnapshot]
    /// Every transition of a job, oldest first.
    func events(_ id: JobID) async throws(LedgerError) -> [JobEvent]
    func list(_ query: JobQuery) async throws(LedgerError) -> JobPage
    func workers() async throws(LedgerError) -> [WorkerRow]
    /// Non-terminal rows in id order after `id`, with whether an outbox row still carries them.
    func active(after id: JobID, limit: Int) async throws(LedgerError) -> [LedgerView]
    /// The same view of given ids; absent rows are absent.
    func views(_ ids: [JobID]) async throws(LedgerError) -> [JobID: LedgerView]
    func balances() async throws(LedgerError) -> Balances

    /// Which of the jobs have their effect committed, by a handler and in the transaction of that effect. Asked
    /// before anything is run again, or ended otherwise than by its own ack: such a job ends as completed.
    func effects(_ ids: [JobID]) async throws(LedgerError) -> Set<JobID>

    /// Writes a run of the reconciler, or what has become of it since it was written. May be repeated.
    func record(run: ReconcileRun) async throws(LedgerError)

    func close() async
}

extension LedgerDriver {
    /// A ledger without a server shares this machine's clock.
    public func clock() async throws(LedgerError) -> Timestamp { .now }

    /// Each job on its own.
    public func record(_ jobs: [JobRecord]) async throws(LedgerError) -> RecordReceipt {
        try await record(jobs, together: false)
    }

    package func finishOutbox(_ id: OutboxID) async throws(LedgerError) { try await finishOutbox([id]) }

    /// The first page of a relay's pass; `push` answers for a row as a whole.
    package func relay(
        rows: Int, olderThan age: Duration, push: @Sendable (OutboxRow) async throws -> Bool
    ) async throws(LedgerError) -> (claimed: Int, deleted: Int) {
        let pass = try await relay(RelayClaim(rows: rows, olderThan: age)) { row in
            try await push(row) ? RelayVerdict() : RelayVerdict(left: row.pushes.map(\.record.id))
        }
        return (pass.claimed, pass.deleted)
    }

    /// A ledger in which handlers cannot commit an effect has none.
    public func effects(_ ids: [JobID]) async throws(LedgerError) -> Set<JobID> { [] }

    public func requeue(
        _ id: JobID, seen version: Int, runAt: Timestamp?, resetAttempts: Bool, actor: String
    ) async throws(LedgerError) -> RequeueAnswer {
        try await requeue(
            id, seen: version, runAt: runAt, resetAttempts: resetAttempts, actor: actor, despiteEffect: false)
    }
}

public struct OutboxID: Hashable, Sendable {
    public let value: Int64
    public init(_ value: Int64) { self.value = value }
}

public struct RecordReceipt: Sendable {
    public enum Answer: Hashable, Sendable {
        case recorded
        /// The row is there already. `same`: with the same content.
        case exists(same: Bool)
        case duplicate(of: JobID)
        /// Another job of a call that goes in together was refused: none of them was recorded.
        case withheld
        /// The queue keeps the unique keys of its jobs: with a key it can only be enqueued there.
        case keysElsewhere
    }
    /// One a job, in order.
    public var answers: [Answer]
    /// One a queue; none when nothing new was recorded.
    public var outboxes: [OutboxID]
    /// One answer a job, in the order of the call.
    public init(answers: [Answer], outboxes: [OutboxID]) {
        self.answers = answers
        self.outboxes = outboxes
    }
    /// Where a call of jobs that go in together was refused: what it answers once nothing of it is recorded. nil: it
    /// was not refused.
    package var withheld: RecordReceipt? {
        guard answers.contains(.exists(same: false)) || answers.contains(.keysElsewhere) else { return nil }
        return RecordReceipt(answers: answers.map { $0 == .recorded ? .withheld : $0 }, outboxes: [])
    }

    /// That of a call whose jobs go to one queue.
    package var outbox: OutboxID? { outboxes.first }
}

public enum RequeueAnswer: Hashable, Sendable {
    case requeued(version: Int)
    /// Not failed, or failed at another version than the caller saw.
    case notFailed(JobStatus)
    /// Failed, but its effect is committed: the work is done, and would be done twice.
    case effectCommitted
    case notFound
}

public enum RecordCancelAnswer: Hashable, Sendable {
    case cancelled
    /// The row has moved on, or the mirror is in another epoch: start over.
    case raced
    case ended(JobStatus)
    case notFound
}

public struct JobEvent: Hashable, Sendable {
    public var job: JobID
    public var position: LogPosition
    public var at: Timestamp
    public var verb: Verb
    public var from: JobStatus?
    public var to: JobStatus
    public var version: Int
    public var attempts: Int?
    public var actor: String?
    public var error: String?
    public init(
        job: JobID, position: LogPosition, at: Timestamp, verb: Verb, from: JobStatus?, to: JobStatus,
        version: Int,
        attempts: Int? = nil, actor: String? = nil, error: String? = nil
    ) {
        self.job = job
        self.position = position
        self.at = at
        self.verb = verb
        self.from = from
        self.to = to
        self.version = version
        self.attempts = attempts
        self.actor = actor
        self.error = error
    }
}

/// What may be listed: newest or oldest first by id, which is creation order.
public struct JobQuery: Sendable {
    public var queue: QueueName?
    public var status: JobStatus?
    public var type: JobType?
    public var limit: Int
    /// From the page before.
    public var cursor: String?
    public var newestFirst: Bool
    public init(
        queue: QueueName? = nil, status: JobStatus? = nil, type: JobType? = nil, limit: Int = Limits.page,
        cursor: String? = nil, newestFirst: Bool = false
    ) {
        self.queue = queue
        self.status = status
        self.type = type
        self.limit = limit
        self.cursor = cursor
        self.newestFirst = newestFirst
    }
}

public struct JobPage: Sendable {
    public var jobs: [JobSnapshot]
    /// nil on the last page.
    public var next: String?
    public init(jobs: [JobSnapshot], next: String?) {
        self.jobs = jobs
        self.next = next
    }
}

public struct WorkerRow: Hashable, Sendable {
    public var beat: WorkerBeat
    public var lastSeen: Timestamp
    public init(beat: WorkerBeat, lastSeen: Timestamp) {
        self.beat = beat
        self.lastSeen = lastSeen
    }

    /// Whether it fell silent without a word. The one rule, for `tally workers` and the reconciler alike.
    ///
    /// - Parameter time: the moment, by the queue's clock, up to which the ledger knows all that was said.
    public func isLost(asOf time: Timestamp) -> Bool {
        switch beat.status {
        case .running, .draining: time - lastSeen >= Limits.silence
        case .stopped, .lost: beat.status == .lost
        }
    }
}

/// What the reconciler compares of a row.
public struct LedgerView: Hashable, Sendable {
    public var id: JobID
    public var status: JobStatus
    public var version: Int
    public var epoch: Int64
    public var seq: Int64
    /// An outbox row still carries the job to the queue.
    public var hasOutbox: Bool
    /// The time it waits for.
    public var runAt: Timestamp?
    /// What reading the job in full would bring.
    public var bodyBytes: Int
    public init(
        id: JobID, status: JobStatus, version: Int, epoch: Int64, seq: Int64, hasOutbox: Bool,
        runAt: Timestamp? = nil, bodyBytes: Int = 0
    ) {
        self.bodyBytes = bodyBytes
        self.id = id
        self.status = status
        self.version = version
        self.epoch = epoch
        self.seq = seq
        self.hasOutbox = hasOutbox
        self.runAt = runAt
    }
}

/// Totals since the ledger began. `accepted` = active + completed + failed + cancelled + purged.
public struct Balances: Hashable, Sendable {
    /// Distinct jobs ever created, those still in the outbox included.
    public var accepted: Int
    public var completed: Int
    public var failed: Int
    public var cancelled: Int
    public var purged: Int
    /// Non-terminal rows, counted.
    public var active: Int
    public var quarantined: Int
    /// Jobs whose push has not been confirmed yet.
    public var outbox: Int
    /// How long the oldest of them has waited, by the ledger's clock.
    public var outboxAge: Duration
    public init(
        accepted: Int, completed: Int, failed: Int, cancelled: Int, purged: Int, active: Int,
        quarantined: Int,
        outbox: Int = 0, outboxAge: Duration = .zero
    ) {
        self.accepted = accepted
        self.completed = completed
        self.failed = failed
        self.cancelled = cancelled
        self.purged = purged
        self.active = active
        self.quarantined = quarantined
        self.outbox = outbox
        self.outboxAge = outboxAge
    }
}
