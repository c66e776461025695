import TallyCore

/// Code around three steps of a job's life: its enqueue, each of its runs, and the settlement of each run's outcome.
///
/// A value takes one place or several; a place that no middleware takes costs nothing. In a list the first is the
/// outermost, at each place: it is entered first and left last. A `JobClient` runs `enqueue` of each, a `Worker` runs
/// `run` and `settle`.
///
///     let timing = JobMiddleware(run: { context, next in
///         let began = ContinuousClock.now
///         defer { report(context.type, ContinuousClock.now - began) }
///         try await next(context)
///     })
public struct JobMiddleware: Sendable {
    /// Around one call of a client that enqueues. It may change the records, but neither their ids nor their order,
    /// and it refuses the call by throwing before `next`: an `EnqueueError` as it is, a `CancellationError` as
    /// `.cancelled`, any other error as `.refused`.
    ///
    /// Once `next` has answered, its answer is the caller's, whatever happens here afterwards; an error that is
    /// thrown then goes to the observer. Of several answers that is the first receipt, else an error after which the
    /// jobs may be there, else the last one. A call that is never passed on is refused.
    ///
    /// An enqueue in a transaction of the caller's passes here like any other, with `isInTransaction`: what `next`
    /// answers then counts once that commits. What reaches the ledger past a client, by its own `record(_:in:)` or by
    /// SQL, passes no middleware.
    public typealias Enqueue =
        @Sendable (EnqueueCall, _ next: @Sendable (EnqueueCall) async throws -> [Receipt]) async throws ->
        Void

    /// Around one run of a handler. What it throws is what the attempt ends with; what it catches and does not throw
    /// on completes the job, and so does a return without `next`.
    ///
    /// Let `CancellationError`, `JobError.alreadyCompleted` and `JobError.stale` pass through.
    public typealias Run = @Sendable (JobContext, _ next: @escaping JobHandler.Run) async throws -> Void

    /// Around the settlement of one run: it sees the outcome before that is sent, and by `next` the queue's answer.
    ///
    /// It can neither change nor withhold the outcome, which is sent once: by the first `next`, after the return of
    /// the outermost, or once `Limits.settleHeld` have passed. Until then the job's lease is kept. A run whose lease
    /// was lost settles nothing.
    public typealias Settle =
        @Sendable (SettleCall, _ next: @Sendable () async -> SettleCall.Answer) async -> Void

    /// nil = an enqueue does not pass here.
    public var enqueue: Enqueue?
    /// nil = a run does not pass here.
    public var run: Run?
    /// nil = a settlement does not pass here.
    public var settle: Settle?

    /// A middleware at the places that are given.
    public init(enqueue: Enqueue? = nil, run: Run? = nil, settle: Settle? = nil) {
        self.enqueue = enqueue
        self.run = run
        self.settle = settle
    }
}

/// What one enqueue sends.
public struct EnqueueCall: Sendable {
    /// One record, or all that go in together.
    public var records: [JobRecord]
    /// What the caller waits for.
    public let durability: Durability
    /// The jobs are part of the caller's transaction: none of them is there before that commits, or after a rollback.
    public let isInTransaction: Bool
}

/// How a run ended, on its way to the queue.
public struct SettleCall: Sendable {
    /// What the queue said; the last error where it never took the outcome.
    public typealias Answer = Result<SettleAnswer, QueueError>

    /// The job as it was leased for this run.
    public let job: ReservedJob
    /// The worker that ran it.
    public let worker: WorkerID
    /// What is sent.
    public let outcome: RunOutcome
    /// How long the handler ran; zero where none did.
    public let ran: Duration
}

/// What a run means for its job.
public enum RunOutcome: Hashable, Sendable {
    /// The work is done.
    case complete(result: [UInt8])
    /// The attempt failed, and the next one may begin after `after`. `attempts` counts the failures, this one
    /// included.
    case retry(after: Duration, attempts: Int, error: String)
    /// The attempt failed, and it was the last. `attempts` counts the failures, this one included.
    case fail(attempts: Int, error: String)
    /// The job goes back unharmed, to be run again after `after`. No attempt is counted.
    case release(after: Duration)

    init(_ settlement: Settlement, now: Timestamp) {
        switch settlement {
        case .ack(_, let result): self = .complete(result: result)
        case .retry(_, let runAt, let attempts, let error, _):
            self = .retry(after: max(.zero, (runAt ?? now) - now), attempts: attempts, error: error)
        case .fail(_, let attempts, let error): self = .fail(attempts: attempts, error: error)
        case .release(_, let runAt): self = .release(after: runAt.map { max(.zero, $0 - now) } ?? .zero)
        }
    }
}
