import TallyCore

/// A queue with a gate before each call, and a clock of the test's own where the caller names no time.
package struct GatedQueue: InspectableQueue {
    private let base: any InspectableQueue
    private let gate: any CallGate
    private let clock: (@Sendable () -> Timestamp)?

    package init(
        _ base: any InspectableQueue, gate: any CallGate, clock: (@Sendable () -> Timestamp)? = nil
    ) {
        self.base = base
        self.gate = gate
        self.clock = clock
    }

    private func time(_ now: Timestamp?) -> Timestamp? { now ?? clock?() }

    private func pass<Answer: Sendable>(
        _ call: SeamCall, _ trace: (Answer) -> CallTrace? = { _ in nil },
        _ body: () async throws(QueueError) -> Answer
    ) async throws(QueueError) -> Answer {
        let fate = await gate.enter(call)
        if case .isRefused(let code) = fate { throw QueueError(code, call.rawValue, "injected") }
        let answer: Answer
        do {
            answer = try await body()
        } catch {
            await gate.leave(call, nil)
            throw error
        }
        await gate.leave(call, trace(answer))
        if case .losesReply(let code) = fate {
            throw QueueError(code, call.rawValue, "injected: the reply was lost")
        }
        return answer
    }

    // MARK: - The verbs

    package func push(_ jobs: [Push], issued: Issued?, at now: Timestamp?) async throws(QueueError)
        -> [PushAnswer]
    {
        try await pass(.push, { .pushed(jobs, $0) }) { () throws(QueueError) in
            try await base.push(jobs, issued: issued, at: time(now))
        }
    }
    package func reserve(_ wish: ReserveWish, at now: Timestamp?) async throws(QueueError) -> Reservation {
        try await pass(.reserve, { .reserved($0) }) { () throws(QueueError) in
            try await base.reserve(wish, at: time(now))
        }
    }
    package func extend(
        _ leases: [Lease], by length: Duration, at now: Timestamp?
    ) async throws(QueueError) -> [ExtendAnswer] {
        try await pass(.extend, { .extended(leases, $0) }) { () throws(QueueError) in
            try await base.extend(leases, by: length, at: time(now))
        }
    }
    package func ack(_ acks: [Ack], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await pass(.ack, { .settled(.ack, acks.map(\.lease), $0) }) { () throws(QueueError) in
            try await base.ack(acks, at: time(now))
        }
    }
    package func retry(_ retries: [Retry], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await pass(.retry, { .settled(.retry, retries.map(\.lease), $0) }) { () throws(QueueError) in
            try await base.retry(retries, at: time(now))
        }
    }
    package func fail(_ failures: [Failure], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await pass(.fail, { .settled(.fail, failures.map(\.lease), $0) }) { () throws(QueueError) in
            try await base.fail(failures, at: time(now))
        }
    }
    package func release(_ releases: [Release], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer]
    {
        try await pass(.release, { .settled(.release, releases.map(\.lease), $0) }) { () throws(QueueError) in
            try await base.release(releases, at: time(now))
        }
    }
    package func cancel(
        _ id: JobID, tombstone: (version: Int, issued: Issued)?, at now: Timestamp?
    ) async throws(QueueError) -> CancelAnswer {
        try await pass(.cancel, { .cancelled(id, $0) }) { () throws(QueueError) in
            try await base.cancel(id, tombstone: tombstone, at: time(now))
        }
    }
    package func promote(_ limit: Int, at now: Timestamp?) async throws(QueueError) -> Int {
        try await pass(.promote) { () throws(QueueError) in try await base.promote(limit, at: time(now)) }
    }
    package func reclaim(_ limit: Int, at now: Timestamp?) async throws(QueueError) -> Int {
        try await pass(.reclaim) { () throws(QueueError) in try await base.reclaim(limit, at: time(now)) }
    }
    package func pause(_ queue: QueueName, _ paused: Bool) async throws(QueueError) {
        try await pass(.pause) { () throws(QueueError) in try await base.pause(queue, paused) }
    }
    package func heartbeat(_ beat: WorkerBeat, at now: Timestamp?) async throws(QueueError) {
        try await pass(.heartbeat) { () throws(QueueError) in try await base.heartbeat(beat, at: time(now)) }
    }
    package func wait(for queues: [QueueName], upTo time: Duration) async throws {
        try await base.wait(for: queues, upTo: time)
    }
    /// The epoch is the queue's; the time that of the test's clock, where there is one.
    package func stamp() async throws(QueueError) -> Issued {
        let stamp = try await pass(.stamp) { () throws(QueueError) in try await base.stamp() }
        return Issued(epoch: stamp.epoch, at: time(nil) ?? stamp.at)
    }
    package func history() async throws(QueueError) -> QueueHistory {
        try await pass(.history) { () throws(QueueError) in try await base.history() }
    }
    package func open(epoch: Int64) async throws(QueueError) {
        try await pass(.open, { .opened(epoch) }) { () throws(QueueError) in
            try await base.open(epoch: epoch)
        }
    }
    package func log(after position: LogPosition, limit: Int, bytes: Int) async throws(QueueError)
        -> [LogEntry]
    {
        try await pass(.log) { () throws(QueueError) in
            try await base.log(after: position, limit: limit, bytes: bytes)
        }
    }
    package func report(applied position: LogPosition, at now: Timestamp?) async throws(QueueError) {
        try await pass(.report) { () throws(QueueError) in
            try await base.report(applied: position, at: time(now))
        }
    }
    package func close() async {}

    package func inspect(_ ids: [JobID], bodies: QueueView.Bodies, at now: Timestamp?)
        async throws(QueueError) -> QueueView
    {
        try await pass(.inspect) { () throws(QueueError) in
            try await base.inspect(ids, bodies: bodies, at: time(now))
        }
    }
    package func counts(at now: Timestamp?) async throws(QueueError) -> [QueueCounts] {
        try await pass(.counts) { () throws(QueueError) in try await base.counts(at: time(now)) }
    }
    package func scan(_ cursor: String, limit: Int) async throws(QueueError) -> (ids: [JobID], next: String?)
    {
        try await pass(.scan) { () throws(QueueError) in try await base.scan(cursor, limit: limit) }
    }
    package func repair(_ repairs: [QueueRepair]) async throws(QueueError) -> [Bool] {
        try await pass(.repair, { .repaired(repairs, $0) }) { () throws(QueueError) in
            try await base.repair(repairs)
        }
    }
}
