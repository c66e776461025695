import Synchronization
import TallyCore

/// What a running job may know and do.
public final class JobContext: Sendable {
    /// The same at every delivery of the job: what an outside system may use to know a repeat.
    public let id: JobID
    /// The name that its handler was found by.
    public let type: JobType
    /// The queue that it was taken from.
    public let queue: QueueName
    /// 1 for the first attempt. Lapsed leases and releases do not count.
    public let attempt: Int
    /// Leases that ran out on it so far: workers that died or stood still.
    public let crashes: Int
    /// The text of its unique key; nil without one.
    public let uniqueKey: String?
    /// Grows strictly from lease to lease, also across a loss of Redis' data: hand both to outside systems that can
    /// refuse a writer with a smaller pair.
    public let fence: (epoch: Int64, version: Int)
    /// As they were enqueued.
    public let tags: [String]
    /// The W3C trace context that was enqueued with it; empty without one.
    public let trace: String
    /// What was enqueued beside the body, to the bit.
    public let headers: [String: [UInt8]]
    /// On whose behalf it runs; nil = nobody's in particular.
    public let tenant: String?
    /// The end of its use; nil = none. This run began before it, or follows one that did, or somebody requeued the
    /// job: whether it is still worth while is the handler's to decide.
    public var notAfter: Timestamp? { job.record.notAfter }
    /// Its arguments, as they were enqueued, to the bit.
    public let body: [UInt8]
    /// The worker that runs it.
    public let worker: WorkerID

    /// The job as it was leased for this run.
    package let job: ReservedJob
    let codec: any JobCodec
    private let ledger: (any LedgerTransactions)?
    private let hooks: Hooks
    private let state = Mutex(State())

    private struct State {
        var result: [UInt8] = []
        var hasClaimed = false
        var wasCancelled = false
        var progress: (fraction: Double, text: String)?
        var log = AttemptLog()
    }

    /// What gets the words of a handler, each time.
    package struct Hooks: Sendable {
        /// How far it is, and what it is at.
        package var progress: @Sendable (Double, String) -> Void = { _, _ in }
        /// A line that it logs, with its number.
        package var line: @Sendable (Int, String) -> Void = { _, _ in }

        /// Nobody gets them.
        package init() {}
    }

    /// A context for one run of a job that was leased.
    package init(
        _ job: ReservedJob, worker: WorkerID, codec: any JobCodec, ledger: (any LedgerTransactions)? = nil,
        hooks: Hooks = Hooks()
    ) {
        self.job = job
        self.ledger = ledger
        self.hooks = hooks
        id = job.record.id
        type = job.record.type
        queue = job.record.queue
        attempt = job.attempts + 1
        crashes = job.crashes
        uniqueKey = job.record.unique?.text
        fence = (job.lease.epoch, job.lease.version)
        tags = job.record.tags
        trace = job.record.trace
        headers = job.record.headers
        tenant = job.record.tenant
        body = job.record.body
        self.worker = worker
        self.codec = codec
    }

    /// Says how far the job is: `tally explain` shows it while it runs. Call it as often as you like: the worker
    /// reports the last of it, once in `Limits.progressPause` at most. It is no promise, and nothing waits for it:
    /// what was said just before the end may not be told, and the next attempt begins without it.
    ///
    /// - Parameter fraction: of the work, 0 to 1; others are brought into it.
    /// - Parameter text: what it is at, for people; cut to `Limits.progressBytes`.
    public func progress(_ fraction: Double, _ text: String = "") {
        state.withLock { $0.progress = (fraction, text) }
        hooks.progress(fraction, text)
    }

    /// What the handler said of its progress last; nil = nothing yet.
    public var lastProgress: (fraction: Double, text: String)? { state.withLock { $0.progress } }

    /// Logs a line of this attempt: the ledger keeps it, and `tally explain` shows it. Of an attempt
    /// `Limits.attemptLines` lines are kept, of `Limits.attemptLinesBytes` together and `Limits.attemptLineBytes`
    /// each; what is left out is said so. Nothing waits for it: a worker that is killed takes with it what it has not
    /// reported yet, of a second at most.
    public func log(_ text: String) {
        // Inside the lock, so that lines go out in the order of their numbers.
        state.withLock { state in
            if let line = state.log.add(text) { hooks.line(line.number, line.text) }
        }
    }

    /// What this attempt has logged so far, as it is kept.
    public var logged: [String] { state.withLock { $0.log.lines } }

    /// Stores a result with the completion; the last call counts.
    ///
    /// - Throws: what the codec throws. Let it pass, and the attempt fails; of an `EncodingError` the kind and the
    ///   keys are kept, and never the value.
    public func complete(with value: some Encodable) throws { try complete(bytes: codec.encode(value)) }

    /// The same, with bytes that need no codec.
    ///
    /// - Throws: `JobError.final` beyond `Limits.resultBytes`.
    public func complete(bytes: [UInt8]) throws {
        if bytes.count > Limits.resultBytes {
            throw JobError.final(
                "the result has \(bytes.count) bytes; at most \(Limits.resultBytes) are kept")
        }
        state.withLock { $0.result = bytes }
    }

    /// Completes the job together with the rows that `transaction` writes: both are committed, or neither. However
    /// often the job is delivered, by a lapsed lease, a lost reply or a Redis rebuilt from the ledger, one commit
    /// wins. Call it first or last in the transaction; commit, and return. Follow-up jobs recorded in the same
    /// transaction are part of it.
    ///
    ///     try await context.withTransaction { transaction in
    ///         _ = try await transaction.query("UPDATE …", […])
    ///         try await context.complete(in: transaction)
    ///     }
    ///
    /// An attempt that was first makes this one wait until it has committed or rolled back. After a lost reply to the
    /// commit let the error pass: the next attempt finds out.
    ///
    /// - Throws: `JobError.alreadyCompleted` and `.stale`, to be let through: this transaction must roll back;
    ///   `JobError.final` on a worker without a ledger; `LedgerError` when the transaction failed.
    public func complete(in transaction: some LedgerTransaction) async throws {
        let ledger = try knownLedger()
        let result = state.withLock { state in
            state.hasClaimed = true
            return state.result
        }
        switch try await ledger.complete(job.lease, result: result, in: transaction) {
        case .claimed: return
        case .committed(let result): throw JobError.alreadyCompleted(result: result)
        case .stale: throw JobError.stale
        }
    }

    /// The same, with a result.
    ///
    /// - Throws: as the other does, and what the codec throws where it cannot write the result.
    public func complete(with value: some Encodable, in transaction: some LedgerTransaction) async throws {
        try complete(with: value)
        try await complete(in: transaction)
    }

    /// Runs `body` in a transaction of the worker's ledger: committed when it returns, rolled back when it throws.
    /// For `complete(in:)` and the handler's own rows beside it.
    ///
    /// - Throws: what `body` throws; `JobError.final` on a worker without a ledger; `LedgerError`, `.uncertain` when
    ///   the answer to the commit was lost. Let it pass: the next attempt finds out.
    public func withTransaction<Value: Sendable>(
        _ body: (any LedgerTransaction) async throws -> Value
    ) async throws -> Value {
        try await knownLedger().transaction(body)
    }

    private func knownLedger() throws(JobError) -> any LedgerTransactions {
        guard let ledger else {
            throw JobError.final(
                "a transaction needs a worker that knows the ledger: set TALLY_POSTGRES_URL for it")
        }
        return ledger
    }

    /// The result so far: the last that was given to `complete`, empty without one.
    public var result: [UInt8] { state.withLock { $0.result } }

    /// Whether the handler has called `complete(in:)`, whatever became of the transaction.
    public var hasClaimedEffect: Bool { state.withLock { $0.hasClaimed } }

    /// Whether the run was asked to stop before it ended, as `JobHandler.outcome(of:)` saw it.
    public var wasCancelled: Bool { state.withLock { $0.wasCancelled } }

    func noteCancellation() { state.withLock { $0.wasCancelled = true } }

    /// What a failed attempt really means. Its effect may be committed all the same: then the job is completed,
    /// whatever was thrown afterwards. While the ledger cannot say, the job must not end in any other way.
    func verdict(on error: any Error) async -> Result<[UInt8], any Error> {
        if case JobError.alreadyCompleted(let result) = error { return .success(result) }
        guard state.withLock({ $0.hasClaimed }), let ledger else { return .failure(error) }
        do {
            return try await ledger.committedEffect(of: id).map { .success($0) } ?? .failure(error)
        } catch {
            return .failure(JobError.snooze(Limits.backoffBase))
        }
    }
}
