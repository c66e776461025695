import TallyCore

/// What a case works with: the stores, a queue name of its own with the shard that it lives on, a clock that stands
/// in 2030, and the verbs with their usual arguments filled in.
struct Stage: Sendable {
    /// The shard of its name, but that jobs are leased over all of them.
    let queue: InspectedQueue
    private let sharded: ShardedQueue
    let ledger: LedgerStore
    private let clock: ManualClock
    let settle: @Sendable () async throws -> Void
    let name: QueueName
    let worker = WorkerID("conformance")

    /// 2030-01-02T03:04:05.000006Z
    let start = Timestamp(microseconds: 1_893_553_445_000_006)

    init(_ store: ConformanceStore) throws(QueueError) {
        name = QueueName("conformance-\(JobID())")
        sharded = store.sharded
        var own = sharded.shard(of: name)
        own.leasing = sharded.leasing
        queue = try InspectedQueue(own, for: "conformance")
        ledger = store.ledger
        clock = store.clock
        clock.set(start)
        settle = store.settle
    }

    func at(_ offset: Duration) -> Timestamp { start + offset }

    /// The queue at a time, which stays until the next call names another.
    func queue(at now: Timestamp?) -> InspectedQueue {
        clock.set(now ?? start)
        return queue
    }

    var shard: Shard { queue.part.shard }

    /// Another queue of the same shard.
    func sibling(_ suffix: String) -> QueueName {
        var name = "\(name)-\(suffix)"
        while !queue.part.holds(QueueName(name)) { name += "." }
        return QueueName(name)
    }

    func issued(_ epoch: Int64, at time: Timestamp) -> Issued {
        Issued(shard: shard, epoch: epoch, at: time)
    }

    /// A lease that nobody has given.
    func token(_ id: JobID, version: Int = 2, epoch: Int64) -> Lease {
        Lease(id: id, version: version, epoch: epoch, expiresAt: at(.seconds(30)), shard: shard)
    }

    // MARK: - Enqueue

    func record(
        _ type: JobType = "conformance.job", queue: QueueName? = nil,
        priority: JobPriority = .normal, body: [UInt8] = Array("{}".utf8), runAt: Timestamp? = nil,
        maxCrashes: Int = Limits.maxCrashes, unique: UniqueKey? = nil
    ) -> JobRecord {
        JobRecord(
            type: type, queue: queue ?? name, priority: priority, body: body, runAt: runAt,
            maxCrashes: maxCrashes, unique: unique, createdAt: start)
    }

    func push(_ records: [JobRecord], at now: Timestamp? = nil) async throws -> [PushAnswer] {
        clock.set(now ?? start)
        let store = sharded.shard(of: records.first?.queue ?? name)
        return try await store.enqueueing.push(records.map { Push($0) }, issued: nil)
    }

    /// Puts one job in and returns its record.
    func enqueue(
        priority: JobPriority = .normal, runAt: Timestamp? = nil, maxCrashes: Int = Limits.maxCrashes,
        unique: UniqueKey? = nil, at now: Timestamp? = nil, line: UInt = #line
    ) async throws -> JobRecord {
        let record = record(priority: priority, runAt: runAt, maxCrashes: maxCrashes, unique: unique)
        try expect("push", try await push([record], at: now), [.pushed], line: line)
        return record
    }

    // MARK: - Lease

    func reserve(
        _ limit: Int = 1, lease: Duration = .seconds(30), at now: Timestamp? = nil,
        from queues: [QueueName]? = nil
    ) async throws -> Reservation {
        try await queue(at: now).leasing.reserve(
            ReserveWish(queues ?? [name], limit: limit, lease: lease, worker: worker))
    }

    /// Leases one job; there must be one. Asks a few times: an element that a cancellation left behind uses up a
    /// place.
    func take(
        lease: Duration = .seconds(30), at now: Timestamp? = nil, line: UInt = #line
    ) async throws -> ReservedJob {
        for _ in 0..<16 {
            if let job = try await reserve(lease: lease, at: now).jobs.first { return job }
        }
        throw broken("reserve", expected: "a job", found: "none", line: line)
    }

    func expectNothing(at now: Timestamp, line: UInt = #line) async throws {
        try expect("jobs to reserve", try await reserve(10, at: now).jobs.map(\.record.id), [], line: line)
    }

    // MARK: - Settle

    func extend(_ lease: Lease, by length: Duration, at now: Timestamp) async throws -> ExtendAnswer {
        try await queue(at: now).leasing.extend([lease], by: length)[0]
    }
    func ack(_ lease: Lease, _ result: [UInt8] = [], at now: Timestamp? = nil) async throws -> SettleAnswer {
        try await queue(at: now).leasing.settle(.ack(lease, result: result))
    }
    func retry(
        _ lease: Lease, runAt: Timestamp? = nil, attempts: Int = 1, error: String = "boom",
        failedAt: Timestamp? = nil, at now: Timestamp? = nil
    ) async throws -> SettleAnswer {
        try await queue(at: now).leasing.settle(
            .retry(lease, runAt: runAt, attempts: attempts, error: error, failedAt: failedAt))
    }
    func fail(
        _ lease: Lease, attempts: Int = 1, error: String = "boom", at now: Timestamp? = nil
    ) async throws -> SettleAnswer {
        try await queue(at: now).leasing.settle(.fail(lease, attempts: attempts, error: error))
    }
    func release(_ lease: Lease, runAt: Timestamp? = nil, at now: Timestamp? = nil) async throws
        -> SettleAnswer
    {
        try await queue(at: now).leasing.settle(.release(lease, runAt: runAt))
    }
    func cancel(
        _ id: JobID, tombstone: (version: Int, issued: Issued)? = nil, at now: Timestamp? = nil
    ) async throws -> CancelAnswer {
        try await queue(at: now).control.cancel(id, tombstone: tombstone)
    }

    // MARK: - Look

    func held(_ id: JobID, at now: Timestamp? = nil) async throws -> JobSnapshot? {
        try await queue(at: now).inspection.inspect([id]).held[id]
    }
    func ended(_ id: JobID, at now: Timestamp? = nil) async throws -> QueueView.Ended? {
        try await queue(at: now).inspection.inspect([id]).ended[id]
    }
    /// The mirror reports again that the ledger holds all that the log has: by these reports ends are forgotten.
    func report(at now: Timestamp) async throws {
        let queue = queue(at: now)
        try await queue.transitions.report(applied: try await queue.transitions.history().end)
    }
    /// The ledger's row, once everything has been mirrored.
    func row(_ id: JobID, line: UInt = #line) async throws -> JobSnapshot {
        try await settle()
        return try require("a ledger row", try await ledger.inspection.jobs([id])[id], line: line)
    }
    func epoch() async throws -> Int64 { try await queue.transitions.history().epoch }
}
