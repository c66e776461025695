import TallyCore

/// Enqueues and cancels. Shared by any number of tasks.
public final class JobClient: Sendable {
    /// What its enqueues wait for unless they say otherwise.
    public let durability: Durability
    private let queue: ShardedQueue
    private let ledger: (any Recording)?
    private let codec: any JobCodec
    private let defaultQueue: QueueName?
    private let now: (@Sendable () -> Timestamp)?
    /// One a shard; none without a ledger.
    private let lanes: [RecordLane]
    private let skew: SkewReport
    private let chain: EnqueueChain

    /// - Parameter defaultQueue: where jobs go whose enqueue and policy name no queue.
    /// - Parameter middleware: around each enqueue; the first is the outermost.
    /// - Parameter now: stamps `createdAt`, in a test. Without it the clock of the store that the enqueue goes to
    ///   does, since this machine's may be wrong; the observer is told once if it is.
    public convenience init(
        queue: any ShardedDriver, ledger: (any LedgerDriver)?, durability: Durability = .recorded,
        codec: any JobCodec = JSONCodec(), defaultQueue: QueueName? = nil,
        middleware: [JobMiddleware] = [], observer: any JobObserver = SilentObserver(),
        now: (@Sendable () -> Timestamp)? = nil
    ) {
        self.init(
            queue: queue, ledger: ledger, durability: durability, codec: codec, defaultQueue: defaultQueue,
            middleware: middleware, observer: observer, now: now, patience: Limits.pushBudget)
    }

    /// - Parameter patience: how long a recorded enqueue waits for the queue beside its commit; nil = for as long as
    ///   it takes, in a schedule that decides itself when a call goes on.
    package init(
        queue: any ShardedDriver, ledger: (any LedgerDriver)?, durability: Durability = .recorded,
        codec: any JobCodec = JSONCodec(), defaultQueue: QueueName? = nil,
        middleware: [JobMiddleware] = [], observer: any JobObserver = SilentObserver(),
        now: (@Sendable () -> Timestamp)? = nil, patience: Duration?
    ) {
        let (queue, ledger) = (queue.sharded, ledger?.store)
        self.queue = queue
        self.ledger = ledger?.recording
        self.durability = ledger == nil ? .queued : durability
        self.codec = codec
        self.defaultQueue = defaultQueue
        self.now = now
        skew = SkewReport(observer)
        lanes =
            ledger.map { ledger in
                queue.shards.map {
                    RecordLane(queue: $0, ledger: ledger, observer: observer, patience: patience)
                }
            } ?? []
        chain = EnqueueChain(middleware, observer: observer)
    }

    /// Enqueues one job. Returns once the store of the durability mode has it.
    ///
    /// After a crash of this process at any point the job is either there whole or not at all. After `.uncertain`,
    /// enqueue again with the same id.
    ///
    /// - Parameter at: not before this time.
    /// - Parameter headers: as the other three after it they are those of `JobRecord`; `.layoutNotRaised` until every
    ///   program that uses the queue is known to read them.
    /// - Parameter id: bring one to make retries safe across processes; a UUIDv7 made within a day, by the clock of
    ///   the store.
    @discardableResult
    public func enqueue<J: Job>(
        _ job: J, on queue: QueueName? = nil, at runAt: Timestamp? = nil, priority: JobPriority? = nil,
        unique: UniqueKey? = nil, id: JobID = JobID(), tags: [String] = [], trace: String = "",
        headers: [String: [UInt8]] = [:], tenant: String? = nil, limitKey: String? = nil,
        notAfter: Timestamp? = nil, durability: Durability? = nil
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
            createdAt: now?() ?? .now, tags: tags, trace: trace, headers: headers, tenant: tenant,
            limitKey: limitKey, notAfter: notAfter)
        return try await enqueue(record, durability: durability)
    }

    /// Enqueues a job of any type by its record.
    @discardableResult
    public func enqueue(_ record: JobRecord, durability: Durability? = nil) async throws(EnqueueError)
        -> Receipt
    {
        let durability = durability ?? self.durability
        if chain.isEmpty { return try await send(record, durability) }
        let call = EnqueueCall(records: [record], durability: durability)
        return try await chain.pass(call) { (call) throws(EnqueueError) in
            [try await send(call.records[0], durability)]
        }[0]
    }

    private func send(_ record: JobRecord, _ durability: Durability) async throws(EnqueueError) -> Receipt {
        try check(record)
        switch durability {
        case .recorded:
            guard let ledger else { throw .refused("mode recorded needs a ledger") }
            let lane = lane(of: record.queue)
            if record.unique != nil { try await lane.claimKeys(of: [record]) }
            return try await lane.enqueue(try stamped(record, at: try await clock(of: ledger, record.id)))
                .get()
        case .queued: return try await push([record])[0]
        }
    }

    /// Enqueues all of them in one step, or none, in both modes: the store looks before it writes. A job that is
    /// there already under its id or its unique key, ended or not, is no refusal; its receipt says `existed`.
    ///
    /// - Throws: `.idConflict` names the first job that was refused; nothing was enqueued then.
    /// - Throws: `.acrossShards` in mode queued, where their queues live on several shards.
    /// - Throws: `.invalid(.batchTooLarge)` beyond `Limits.jobsPerCall` in mode queued; split it.
    @discardableResult
    public func enqueue(contentsOf records: [JobRecord], durability: Durability? = nil)
        async throws(EnqueueError) -> [Receipt]
    {
        if records.isEmpty { return [] }
        let durability = durability ?? self.durability
        if chain.isEmpty { return try await send(records, durability) }
        let call = EnqueueCall(records: records, durability: durability)
        return try await chain.pass(call) { (call) throws(EnqueueError) in
            try await send(call.records, durability)
        }
    }

    private func send(_ records: [JobRecord], _ durability: Durability) async throws(EnqueueError)
        -> [Receipt]
    {
        for record in records { try check(record) }
        let bytes = records.reduce(0) { $0 + $1.body.count }
        switch durability {
        case .recorded:
            guard let ledger else { throw .refused("mode recorded needs a ledger") }
            let shards = queue.map.shards(of: records)
            for shard in shards {
                let keyed = records.filter { $0.unique != nil && queue.map.shard(of: $0.queue) == shard }
                try await lanes[Int(shard.number)].claimKeys(of: keyed)
            }
            let clock = try await clock(of: ledger, records[0].id)
            return try await RecordLane.enqueue(
                together: try stamped(records, at: clock), over: shards.map { lanes[Int($0.number)] })
        case .queued:
            if records.count > Limits.jobsPerCall || records.count > 1 && bytes > Limits.bodyBytesPerCall {
                throw .invalid(.batchTooLarge(jobs: records.count, bytes: bytes))
            }
            return try await push(records)
        }
    }

    /// Waits for pushes that still follow their commits. Call before the drivers are closed.
    public func drain() async { for lane in lanes { await lane.drain() } }

    private func lane(of queue: QueueName) -> RecordLane {
        lanes[Int(self.queue.map.shard(of: queue).number)]
    }

    private func check(_ record: JobRecord) throws(EnqueueError) {
        do throws(InvalidJob) { try record.check() } catch { throw .invalid(error) }
    }

    /// What the store's clock shows, by which jobs are judged and created; nil = a test's clock has stamped them.
    private func clock(of ledger: any Recording, _ id: JobID) async throws(EnqueueError) -> Timestamp? {
        if now != nil { return nil }
        do {
            return noted(try await ledger.clock())
        } catch {
            throw EnqueueError(error, id)
        }
    }

    private func clock(of queue: any Enqueueing, _ id: JobID) async throws(EnqueueError) -> Timestamp? {
        if now != nil { return nil }
        do {
            return noted(try await queue.stamp().at)
        } catch {
            // Nothing was pushed yet, whatever became of the question.
            if error.code == .uncertain { throw .unavailable(error.detail) }
            throw EnqueueError(error, id)
        }
    }

    private func noted(_ store: Timestamp) -> Timestamp {
        skew.note(.now - store)
        return store
    }

    private func stamped(_ records: [JobRecord], at store: Timestamp?) throws(EnqueueError) -> [JobRecord] {
        try records.map { record throws(EnqueueError) in try stamped(record, at: store) }
    }

    /// - Parameter store: what the store's clock shows; nil = this machine's decides.
    private func stamped(_ record: JobRecord, at store: Timestamp?) throws(EnqueueError) -> JobRecord {
        if let problem = record.id.problem(at: store ?? .now) { throw .invalid(problem) }
        guard let store else { return record }
        var record = record
        record.createdAt = store
        // By that clock it may have been over before it began.
        if record.notAfter != nil { try check(record) }
        return record
    }

    /// Where all of them go.
    private func shard(of records: [JobRecord]) throws(EnqueueError) -> any Enqueueing {
        let store = queue.shard(of: records[0].queue)
        for record in records where !store.part.holds(record.queue) {
            throw .acrossShards(records[0].queue, record.queue)
        }
        return store.enqueueing
    }

    private func push(_ records: [JobRecord]) async throws(EnqueueError) -> [Receipt] {
        let queue = try shard(of: records)
        let records = try stamped(records, at: try await clock(of: queue, records[0].id))
        let answers: [PushAnswer]
        do {
            answers = try await queue.push(records.map { Push($0) }, issued: nil)
        } catch {
            throw EnqueueError(error, records[0].id)
        }
        var receipts: [Receipt] = []
        for (record, answer) in zip(records, answers) {
            if let receipt = answer.receipt(of: record) { receipts.append(try receipt.get()) }
        }
        return receipts
    }
}
