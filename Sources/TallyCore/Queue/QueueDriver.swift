/// The live half: it moves jobs between statuses, atomically, and appends one log entry a call for all its moves.
///
/// Every verb takes many jobs at once; one call is one atomic step. Refusals are values, one a job, and change
/// nothing; `QueueError` is for calls that failed whole. The conformance kit in `TallyTesting` checks this page.
///
/// `at`: the caller's clock. It counts only in namespaces made for tests; elsewhere the server's own clock decides
/// and nil is what production passes.
public protocol QueueDriver: Sendable {
    /// Puts jobs into the queue, in order. Idempotent by id: a job that is already held answers `.exists`, an ended
    /// one `.ended`. A repeated id or unique key inside the call counts as a repeat.
    ///
    /// The queued jobs of a call (`isRecorded` false) go in all or none: where one is refused (its id belongs to
    /// other content or has ended, its queue is full) the others answer `.withheld`. Recorded jobs are each on their
    /// own, and one whose queue is full answers `.full`. What another caller sends at the same time decides nothing
    /// here.
    ///
    /// - Parameter issued: when the push was decided (`stamp()`), before the ledger was read; nil for jobs that are
    ///   created by this very call.
    /// - Throws: `.full` when Redis is out of memory, the log budget is used up, or the queue of a queued job is over
    ///   its window; none of its queued jobs is in then.
    func push(_ jobs: [Push], issued: Issued?, at now: Timestamp?) async throws(QueueError) -> [PushAnswer]

    /// Leases up to `limit` runnable jobs of the given queues, in the order given: FIFO within a priority, priorities
    /// by weight. Expired leases are reclaimed and due jobs promoted first. Nothing to do is an empty answer.
    func reserve(_ wish: ReserveWish, at now: Timestamp?) async throws(QueueError) -> Reservation

    /// New expiry = now + `by`: it can also shorten. The token stays.
    func extend(_ leases: [Lease], by: Duration, at now: Timestamp?) async throws(QueueError)
        -> [ExtendAnswer]

    /// processing → completed. A repeat by the same lease answers `.repeated`.
    func ack(_ acks: [Ack], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer]

    /// processing → retrying (or pending, when `runAt` is nil or past). Writes what it is told; policy is the
    /// worker's.
    func retry(_ retries: [Retry], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer]

    /// processing → failed. A repeat by the same lease answers `.repeated`.
    func fail(_ failures: [Failure], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer]

    /// processing → scheduled (or pending): handed back unrun. Changes neither attempts nor crashes.
    func release(_ releases: [Release], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer]

    /// A waiting job becomes cancelled; a processing one is flagged (its ack still wins; retry, fail, release and
    /// reclaim then end it as cancelled). An id that is not held answers `.unknown`, unless `tombstone` gives the
    /// version that the ledger names: then it is written as ended, so that no push brings it back.
    func cancel(_ id: JobID, tombstone: (version: Int, issued: Issued)?, at now: Timestamp?)
        async throws(QueueError) -> CancelAnswer

    /// Makes up to `limit` due jobs runnable.
    func promote(_ limit: Int, at now: Timestamp?) async throws(QueueError) -> Int

    /// Takes back up to `limit` expired leases.
    func reclaim(_ limit: Int, at now: Timestamp?) async throws(QueueError) -> Int

    /// A paused queue hands out no leases; everything else goes on.
    func pause(_ queue: QueueName, _ paused: Bool) async throws(QueueError)

    /// Records that a worker lives; the mirror writes it to the `workers` table.
    func heartbeat(_ beat: WorkerBeat, at now: Timestamp?) async throws(QueueError)

    /// Returns when one of the queues may have work, when `time` has passed, or with `CancellationError`.
    func wait(for queues: [QueueName], upTo time: Duration) async throws

    /// The queue's clock and epoch now, to be taken before the ledger is read; `epoch` is 0 while the epoch is held.
    func stamp() async throws(QueueError) -> Issued

    /// The state of the history: epoch, last log entry, whether leases are held back.
    func history() async throws(QueueError) -> QueueHistory

    /// Ends the hold of this epoch, if it is still the current one.
    func open(epoch: Int64) async throws(QueueError)

    /// Log entries after `position`, in order: `limit` at most, and no more of them than reach `bytes`. Only an empty
    /// answer says that there are no more.
    func log(after position: LogPosition, limit: Int, bytes: Int) async throws(QueueError) -> [LogEntry]

    /// The ledger holds everything up to `position`: trims the log and lets tombstones age.
    func report(applied position: LogPosition, at now: Timestamp?) async throws(QueueError)

    /// New calls fail with `.closed` from now on; running ones end first. May be repeated.
    func close() async
}

extension QueueDriver {
    /// As much as one answer may hold, `Limits.logReadBytes`.
    public func log(after position: LogPosition, limit: Int) async throws(QueueError) -> [LogEntry] {
        try await log(after: position, limit: limit, bytes: Limits.logReadBytes)
    }
}

/// What an operator and the reconciler ask of a queue. A driver may lack it: callers then get `.unsupported`.
public protocol InspectableQueue: QueueDriver {
    /// The jobs that the queue holds; nil where it does not hold the id. `ended` tells of a tombstone.
    ///
    /// - Parameter bodies: what is read and answered of the records' bodies; a look that omits them costs the same
    ///   whatever they weigh.
    func inspect(_ ids: [JobID], bodies: QueueView.Bodies, at now: Timestamp?) async throws(QueueError)
        -> QueueView
    /// Counts by queue.
    func counts(at now: Timestamp?) async throws(QueueError) -> [QueueCounts]
    /// Up to about `limit` held ids from `cursor` on ("" = the start); `next` nil at the end. An id may come twice.
    func scan(_ cursor: String, limit: Int) async throws(QueueError) -> (ids: [JobID], next: String?)
    /// Up to `Limits.sweepPerCall` repairs of the reconciler, one after another: each moves its job only while that
    /// is still as `expected` says, whatever becomes of the others. Says which were made.
    func repair(_ repairs: [QueueRepair]) async throws(QueueError) -> [Bool]
}

extension InspectableQueue {
    public func inspect(_ ids: [JobID], at now: Timestamp?) async throws(QueueError) -> QueueView {
        try await inspect(ids, bodies: .included, at: now)
    }
    public func repair(_ repair: QueueRepair) async throws(QueueError) -> Bool {
        try await self.repair([repair])[0]
    }
}

/// A queue whose server may be set otherwise while it runs, such as to throw jobs away when memory is short.
public protocol VerifiableQueue: QueueDriver {
    /// Checks the server as at the first connection.
    ///
    /// - Throws: `.wrongServer` with what to change.
    func verify() async throws(QueueError)
}
