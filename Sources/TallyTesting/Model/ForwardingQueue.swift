import TallyCore

/// A queue that passes every verb on to another, so that one made for a test writes only what it does otherwise.
package protocol ForwardingQueue: QueueDriver {
    var target: any QueueDriver { get }
}

/// One whose target can be inspected.
package protocol ForwardingInspectableQueue: ForwardingQueue, InspectableQueue {
    var inspected: any InspectableQueue { get }
}

extension ForwardingQueue {
    package func push(_ jobs: [Push], issued: Issued?, at now: Timestamp?) async throws(QueueError)
        -> [PushAnswer]
    { try await target.push(jobs, issued: issued, at: now) }
    package func reserve(_ wish: ReserveWish, at now: Timestamp?) async throws(QueueError) -> Reservation {
        try await target.reserve(wish, at: now)
    }
    package func extend(_ leases: [Lease], by length: Duration, at now: Timestamp?) async throws(QueueError)
        -> [ExtendAnswer]
    { try await target.extend(leases, by: length, at: now) }
    package func ack(_ acks: [Ack], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await target.ack(acks, at: now)
    }
    package func retry(_ retries: [Retry], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await target.retry(retries, at: now)
    }
    package func fail(_ failures: [Failure], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await target.fail(failures, at: now)
    }
    package func release(_ releases: [Release], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer]
    { try await target.release(releases, at: now) }
    package func cancel(_ id: JobID, tombstone: (version: Int, issued: Issued)?, at now: Timestamp?)
        async throws(QueueError) -> CancelAnswer
    { try await target.cancel(id, tombstone: tombstone, at: now) }
    package func promote(_ limit: Int, at now: Timestamp?) async throws(QueueError) -> Int {
        try await target.promote(limit, at: now)
    }
    package func reclaim(_ limit: Int, at now: Timestamp?) async throws(QueueError) -> Int {
        try await target.reclaim(limit, at: now)
    }
    package func pause(_ queue: QueueName, _ paused: Bool) async throws(QueueError) {
        try await target.pause(queue, paused)
    }
    package func heartbeat(_ beat: WorkerBeat, at now: Timestamp?) async throws(QueueError) {
        try await target.heartbeat(beat, at: now)
    }
    package func wait(for queues: [QueueName], upTo time: Duration) async throws {
        try await target.wait(for: queues, upTo: time)
    }
    package func stamp() async throws(QueueError) -> Issued { try await target.stamp() }
    package func history() async throws(QueueError) -> QueueHistory { try await target.history() }
    package func open(epoch: Int64) async throws(QueueError) { try await target.open(epoch: epoch) }
    package func log(after position: LogPosition, limit: Int, bytes: Int) async throws(QueueError)
        -> [LogEntry]
    {
        try await target.log(after: position, limit: limit, bytes: bytes)
    }
    package func report(applied position: LogPosition, at now: Timestamp?) async throws(QueueError) {
        try await target.report(applied: position, at: now)
    }
    package func close() async { await target.close() }
}

extension ForwardingInspectableQueue {
    package var target: any QueueDriver { inspected }

    package func inspect(_ ids: [JobID], bodies: QueueView.Bodies, at now: Timestamp?)
        async throws(QueueError) -> QueueView
    {
        try await inspected.inspect(ids, bodies: bodies, at: now)
    }
    package func counts(at now: Timestamp?) async throws(QueueError) -> [QueueCounts] {
        try await inspected.counts(at: now)
    }
    package func scan(_ cursor: String, limit: Int) async throws(QueueError) -> (ids: [JobID], next: String?)
    { try await inspected.scan(cursor, limit: limit) }
    package func repair(_ repairs: [QueueRepair]) async throws(QueueError) -> [Bool] {
        try await inspected.repair(repairs)
    }
}
