/// Puts jobs into the live half: for clients and for the relay.
public protocol Enqueueing: Sendable {
    /// Puts jobs into the queue, in order, in one atomic step. Idempotent by id: a job that is already held answers
    /// `.exists`, an ended one `.ended`. A repeated id or unique key inside the call counts as a repeat.
    ///
    /// The queued jobs of a call (`isRecorded` false) go in all or none: where one is refused (its id belongs to
    /// other content or has ended, its queue is full) the others answer `.withheld`. Recorded jobs are each on their
    /// own, and one whose queue is full answers `.full`. What another caller sends at the same time decides nothing
    /// here.
    ///
    /// - Crash: the call is one step: it has dealt with all of its jobs or with none. Where its answer was lost,
    ///   repeat it.
    /// - Repeat: answers `.exists` while a job is held and `.ended` while its tombstone lives, and writes neither.
    ///   Later one that names `issued` is refused as too late; one that creates its job puts it in again.
    /// - Parameter issued: when the push was decided (`stamp()`), before the ledger was read; nil for jobs that are
    ///   created by this very call.
    /// - Throws: `.full` when Redis is out of memory, the log budget is used up, or the queue of a queued job is over
    ///   its window; none of its queued jobs is in then.
    func push(_ jobs: [Push], issued: Issued?) async throws(QueueError) -> [PushAnswer]

    /// The queue's clock and epoch now, to be taken before the ledger is read; `epoch` is 0 while the epoch is held.
    func stamp() async throws(QueueError) -> Issued

    /// What `stamp()` would answer, where that asks no server; nil, the default, where it may.
    var knownStamp: Issued? { get }
}

extension Enqueueing {
    /// Not without a question.
    public var knownStamp: Issued? { nil }
}
