import TallyCore
import TallyMemory
import Tallystick
import Testing

@Suite struct `A driver without the admin interface` {
    @Test func `says so with a typed error [J13]`() async throws {
        let settings = try Settings(redisURL: "redis://127.0.0.1", postgresURL: nil)
        let tally = Tally(settings: settings, queue: BareQueue(base: MemoryQueue()), ledger: nil)

        #expect(throws: QueueError.self) { try tally.inspectable() }
        do throws(QueueError) {
            _ = try tally.inspectable()
        } catch {
            #expect(error.code == .unsupported)
        }
        try await tally.client.enqueue(JobRecord(type: "t"))
        await tally.close()
    }
}

/// The verbs and nothing else.
private struct BareQueue: QueueDriver {
    let base: MemoryQueue

    func push(_ jobs: [Push], issued: Issued?, at now: Timestamp?) async throws(QueueError) -> [PushAnswer] {
        try await base.push(jobs, issued: issued, at: now)
    }
    func reserve(_ wish: ReserveWish, at now: Timestamp?) async throws(QueueError) -> Reservation {
        try await base.reserve(wish, at: now)
    }
    func extend(_ leases: [Lease], by: Duration, at now: Timestamp?) async throws(QueueError)
        -> [ExtendAnswer]
    {
        try await base.extend(leases, by: by, at: now)
    }
    func ack(_ acks: [Ack], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await base.ack(acks, at: now)
    }
    func retry(_ retries: [Retry], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await base.retry(retries, at: now)
    }
    func fail(_ failures: [Failure], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await base.fail(failures, at: now)
    }
    func release(_ releases: [Release], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await base.release(releases, at: now)
    }
    func cancel(
        _ id: JobID, tombstone: (version: Int, issued: Issued)?, at now: Timestamp?
    ) async throws(QueueError) -> CancelAnswer {
        try await base.cancel(id, tombstone: tombstone, at: now)
    }
    func promote(_ limit: Int, at now: Timestamp?) async throws(QueueError) -> Int {
        try await base.promote(limit, at: now)
    }
    func reclaim(_ limit: Int, at now: Timestamp?) async throws(QueueError) -> Int {
        try await base.reclaim(limit, at: now)
    }
    func pause(_ queue: QueueName, _ paused: Bool) async throws(QueueError) {
        try await base.pause(queue, paused)
    }
    func heartbeat(_ beat: WorkerBeat, at now: Timestamp?) async throws(QueueError) {
        try await base.heartbeat(beat, at: now)
    }
    func wait(for queues: [QueueName], upTo time: Duration) async throws {
        try await base.wait(for: queues, upTo: time)
    }
    func stamp() async throws(QueueError) -> Issued { try await base.stamp() }
    func history() async throws(QueueError) -> QueueHistory { try await base.history() }
    func open(epoch: Int64) async throws(QueueError) { try await base.open(epoch: epoch) }
    func log(after position: LogPosition, limit: Int) async throws(QueueError) -> [LogEntry] {
        try await base.log(after: position, limit: limit)
    }
    func report(applied position: LogPosition, at now: Timestamp?) async throws(QueueError) {
        try await base.report(applied: position, at: now)
    }
    func close() async { await base.close() }
}
