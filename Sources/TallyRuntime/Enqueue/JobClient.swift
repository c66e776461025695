import TallyCore

/// Enqueues and cancels. Shared by any number of tasks.
public final class JobClient: Sendable {
    public let durability: Durability
    private let queue: any QueueDriver
    private let ledger: (any LedgerDriver)?
    private let codec: any JobCodec
    private let defaultQueue: QueueName?
    private let now: @Sendable () -> Timestamp
    private let lane: RecordLane?

    /// - Parameter defaultQueue: where jobs go whose enqueue and policy name no queue.
    /// - Parameter now: stamps `createdAt`; a test passes its own.
    public init(
        queue: any QueueDriver, ledger: (any LedgerDriver)?, durability: Durability = .recorded,
        codec: any JobCodec = JSONCodec(), defaultQueue: QueueName? = nil,
        observer: any JobObserver = SilentObserver(),
        now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.queue = queue
        self.ledger = ledger
        self.durability = ledger == nil ? .queued : durability
        self.codec = codec
        self.defaultQueue = defaultQueue
        self.now = now
        lane = ledger.map { RecordLane(queue: queue, ledger: $0, observer: observer) }
    }

    /// Enqueues one job. Returns once the store of the durability mode has it.
    ///
    /// After a crash of this process at any point the job is either there whole or not at all. After `.uncertain`,
    /// enqueue again with the same id.
    ///
    /// - Parameter at: not before this time.
    /// - Parameter id: bring one to make retries safe across processes; a UUIDv7 made within a day.
    @discardableResult
    public func enqueue<J: Job>(
        _ job: J, on queue: QueueName? = nil, at runAt: Timestamp? = nil, priority: JobPriority? = nil,
        unique: UniqueKey? = nil, id: JobID = JobID(), tags: [String] = [], trace: String = "",
        durability: Durability? = nil
    ) async throws(EnqueueError) -> Receipt {
        let policy = J.policy
        let body: [UInt8]
        do {
            body = try codec.encode(job)
        } catch {
            throw .refused("the arguments of \(J.jobType) cannot be encoded: \(error)")
        }
        let record = JobRecord(
            id: id, type: J.jobType,
            queue: queue ?? (policy.queue == .default ? defaultQueue ?? .default : policy.queue),
            priority: priority ?? policy.priority, body: body, codec: codec.name, runAt: runAt,
            timeout: policy.timeout, maxAttempts: policy.attempts, maxCrashes: policy.maxCrashes,
            unique: unique,
            createdAt: now(), tags: tags, trace: trace)
        return try await enqueue(record, durability: durability)
    }

    /// Enqueues a job of any type by its record.
    @discardableResult
    public func enqueue(_ record: JobRecord, durability: Durability? = nil) async throws(EnqueueError)
        -> Receipt
    {
        let record = try checked(record)
        switch durability ?? self.durability {
        case .recorded:
            guard let lane else { throw .refused("mode recorded needs a ledger") }
            return try await lane.enqueue(record).get()
        case .queued: return try await push([record])[0]
        }
    }

    /// Enqueues all of them in one step, or none, in both modes: the store looks before it writes. A job that is there
    /// already under its id or its unique key is no refusal; its receipt says `existed`.
    ///
    /// - Throws: `.idConflict` and `.ended` name the first job that was refused; nothing was enqueued then.
    /// - Throws: `.invalid(.batchTooLarge)` beyond `Limits.jobsPerCall` in mode queued; split it.
    @discardableResult
    public func enqueue(contentsOf records: [JobRecord], durability: Durability? = nil)
        async throws(EnqueueError) -> [Receipt]
    {
        if records.isEmpty { return [] }
        var checkedRecords: [JobRecord] = []
        for record in records { checkedRecords.append(try checked(record)) }
        let bytes = records.reduce(0) { $0 + $1.body.count }
        switch durability ?? self.durability {
        case .recorded:
            guard let lane else { throw .refused("mode recorded needs a ledger") }
            return try await lane.enqueue(together: checkedRecords)
        case .queued:
            if records.count > Limits.jobsPerCall || records.count > 1 && bytes > Limits.bodyBytesPerCall {
                throw .invalid(.batchTooLarge(jobs: records.count, bytes: bytes))
            }
            return try await push(checkedRecords)
        }
    }

    /// Waits for pushes that still follow their commits. Call before the drivers are closed.
    public func drain() async { await lane?.drain() }

    private func checked(_ record: JobRecord) throws(EnqueueError) -> JobRecord {
        do throws(InvalidJob) {
            try record.check()
        } catch {
            throw .invalid(error)
        }
        let skew = record.id.createdAt - Timestamp.now
        if !record.id.isTimeOrdered || skew > Limits.idClockSkew || skew < .zero - Limits.idClockSkew {
            throw .invalid(
                .outOfRange(
                    field: "id", value: "\(record.id)",
                    allowed: "UUIDv7 made within a day of now; use a unique key for other names"))
        }
        return record
    }

    private func push(_ records: [JobRecord]) async throws(EnqueueError) -> [Receipt] {
        let answers: [PushAnswer]
        do {
            answers = try await queue.push(records.map { Push($0) }, issued: nil, at: nil)
        } catch {
            throw EnqueueError(error, records[0].id)
        }
        var receipts: [Receipt] = []
        for (record, answer) in zip(records, answers) {
            switch answer {
            case .pushed: receipts.append(Receipt(id: record.id, existed: false, durability: .queued))
            case .exists(same: true):
                receipts.append(Receipt(id: record.id, existed: true, durability: .queued))
            case .exists(same: false): throw .idConflict(record.id)
            case .withheld: continue  // another of the call was refused, and is thrown
            case .duplicate(let holder):
                receipts.append(Receipt(id: holder, existed: true, durability: .queued))
            case .ended(let status): throw .ended(record.id, status)
            case .full: throw .full("queue \(record.queue)")
            case .refused: throw .unavailable("the queue refused the push as too late")
            }
        }
        return receipts
    }
}
