/// Hands out jobs and takes back what became of them: for workers.
///
/// A call is one atomic step for each kind of settlement in it. Refusals are values, one a job, and change nothing;
/// `QueueError` is for calls that failed whole.
public protocol Leasing: Sendable {
    /// Leases up to `limit` runnable jobs of the given queues, in the order given: FIFO within a priority, priorities
    /// by weight. Expired leases are reclaimed and due jobs promoted first. Nothing to do is an empty answer.
    ///
    /// - Crash: the leases of an answer that was lost run out, and each counts as a crash of its job.
    /// - Repeat: leases other jobs.
    func reserve(_ wish: ReserveWish) async throws(QueueError) -> Reservation

    /// As `wait` and then `reserve`, for a worker that had nothing to do: a driver may save what lies between them.
    /// Answers as well when the reserve was sent, before which no lease of it began.
    ///
    /// - Crash: as of `reserve`; while it waits nothing is leased.
    /// - Repeat: waits again, and leases other jobs.
    /// - Throws: `CancellationError` only while nothing was leased.
    func reserve(_ wish: ReserveWish, afterWaitingFor queues: [QueueName], upTo time: Duration) async throws
        -> (Reservation, sent: ContinuousClock.Instant)

    /// New expiry = now + `by`: it can also shorten. The token stays.
    ///
    /// - Crash: a lease has its old expiry or the new one, and its token either way.
    /// - Repeat: moves the expiry again, from the later now.
    func extend(_ leases: [Lease], by: Duration) async throws(QueueError) -> [ExtendAnswer]

    /// Ends leases, each on its own: up to `Limits.jobsPerCall` of any kinds, answered in order. A repeat of an ack
    /// or a fail by the same lease answers `.repeated`; of two settlements of one lease one is refused.
    ///
    /// - Crash: of one kind all are carried out or none; a lease that was not ended runs out.
    /// - Repeat: an ack or a fail answers `.repeated` while the tombstone lives. Later, and of the other kinds, it is
    ///   refused, since the lease is gone. None of these writes.
    /// - Throws: when nothing is known to have happened to any of them. Where a store carries the kinds out one after
    ///   another and only some of these calls fail, those members answer `.failed`, as if each had been asked alone.
    func settle(_ settlements: [Settlement]) async throws(QueueError) -> [SettleAnswer]

    /// Returns when one of the queues may have work, when `time` has passed, or with `CancellationError`.
    func wait(for queues: [QueueName], upTo time: Duration) async throws

    /// Records that a worker lives; the mirror writes it to the `workers` table. What is told beside that, lines of
    /// handlers and whole early reports, is left out where the log has no room to spare: jobs need it more.
    ///
    /// - Crash: a report that was lost is made up for by the next.
    /// - Repeat: appends one more entry; of a worker's reports the ledger keeps the last.
    @discardableResult
    func heartbeat(_ beat: WorkerBeat) async throws(QueueError) -> BeatAnswer
}

extension Leasing {
    /// One after the other.
    public func reserve(
        _ wish: ReserveWish, afterWaitingFor queues: [QueueName], upTo time: Duration
    ) async throws -> (Reservation, sent: ContinuousClock.Instant) {
        try await waitThenReserve(wish, for: queues, upTo: time)
    }

    /// What a driver does that saves nothing between the two.
    package func waitThenReserve(
        _ wish: ReserveWish, for queues: [QueueName], upTo time: Duration
    ) async throws -> (Reservation, sent: ContinuousClock.Instant) {
        try await wait(for: queues, upTo: time)
        let sent = ContinuousClock.now
        return (try await reserve(wish), sent)
    }

    /// One alone: what it answers, or why it failed.
    public func settle(_ settlement: Settlement) async throws(QueueError) -> SettleAnswer {
        let answer = try await settle([settlement])[0]
        if case .failed(let error) = answer { throw error }
        return answer
    }
}
