import Tallystick

/// The queue as a worker sees it, with every acknowledgement's answer and every extension written down.
struct RecordingQueue: QueueDriver {
    let queue: any QueueDriver
    let effects: EffectFile
    let board: Board
    let worker: Int

    func ack(_ acks: [Ack], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        let sent = Timestamp.now.microseconds
        let answers = try await queue.ack(acks, at: now)
        var taken: Int64 = 0
        effects.append(
            zip(acks, answers).map { ack, answer in
                let code: EffectRecord.Answer
                switch answer {
                case .settled: code = .settled
                case .repeated: code = .repeated
                case .refused: code = .refused
                }
                if code != .refused { taken += 1 }
                return EffectRecord(
                    .ack, ack.lease.id, epoch: ack.lease.epoch, version: ack.lease.version, at: sent,
                    answer: code)
            })
        if taken > 0 {
            board[worker, .acked] += taken
            board[worker, .ackedAt] = Timestamp.now.microseconds
        }
        return answers
    }

    func extend(_ leases: [Lease], by time: Duration, at now: Timestamp?) async throws(QueueError)
        -> [ExtendAnswer]
    {
        let answers = try await queue.extend(leases, by: time, at: now)
        effects.append(
            answers.compactMap { answer in
                guard case .extended(let lease, _) = answer else { return nil }
                return EffectRecord(
                    .extend, lease.id, epoch: lease.epoch, version: lease.version,
                    at: Timestamp.now.microseconds, expiry: lease.expiresAt.microseconds)
            })
        return answers
    }

    // MARK: Passed on

    func push(_ jobs: [Push], issued: Issued?, at now: Timestamp?) async throws(QueueError) -> [PushAnswer] {
        try await queue.push(jobs, issued: issued, at: now)
    }
    func reserve(_ wish: ReserveWish, at now: Timestamp?) async throws(QueueError) -> Reservation {
        try await queue.reserve(wish, at: now)
    }
    func retry(_ retries: [Retry], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await queue.retry(retries, at: now)
    }
    func fail(_ failures: [Failure], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await queue.fail(failures, at: now)
    }
    func release(_ releases: [Release], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await queue.release(releases, at: now)
    }
    func cancel(_ id: JobID, tombstone: (version: Int, issued: Issued)?, at now: Timestamp?)
        async throws(QueueError) -> CancelAnswer
    { try await queue.cancel(id, tombstone: tombstone, at: now) }
    func promote(_ limit: Int, at now: Timestamp?) async throws(QueueError) -> Int {
        try await queue.promote(limit, at: now)
    }
    func reclaim(_ limit: Int, at now: Timestamp?) async throws(QueueError) -> Int {
        try await queue.reclaim(limit, at: now)
    }
    func pause(_ name: QueueName, _ paused: Bool) async throws(QueueError) {
        try await queue.pause(name, paused)
    }
    func heartbeat(_ beat: WorkerBeat, at now: Timestamp?) async throws(QueueError) {
        try await queue.heartbeat(beat, at: now)
    }
    func wait(for queues: [QueueName], upTo time: Duration) async throws {
        try await queue.wait(for: queues, upTo: time)
    }
    func stamp() async throws(QueueError) -> Issued { try await queue.stamp() }
    func history() async throws(QueueError) -> QueueHistory { try await queue.history() }
    func open(epoch: Int64) async throws(QueueError) { try await queue.open(epoch: epoch) }
    func log(after position: LogPosition, limit: Int) async throws(QueueError) -> [LogEntry] {
        try await queue.log(after: position, limit: limit)
    }
    func report(applied position: LogPosition, at now: Timestamp?) async throws(QueueError) {
        try await queue.report(applied: position, at: now)
    }
    func close() async { await queue.close() }
}
