import TallyCore

/// Enqueues, over stores that are open already. Shared by any number of tasks.
///
///     let client = JobClient(queue: queue, ledger: ledger)
///     let id = JobID()
///     do {
///         try await client.enqueue(SendInvoice(order: 7), id: id)
///     } catch let error where error.mayRetry {  // there or not: with the same id it is one job
///         try await client.enqueue(SendInvoice(order: 7), id: id)
///     }
///     await client.drain()  // before the stores are closed
public final class JobClient: Sendable {
    /// What its enqueues wait for unless they say otherwise.
    public let durability: Durability
    private let map: ShardMap
    /// One a shard, beside what else a store holds: who takes that along at each enqueue pays for all of it.
    private let shards: [(part: ShardPart, queue: any Enqueueing)]
    private let ledger: (any Recording)?
    /// Of a ledger that takes part in the caller's transactions.
    let transactions: (any LedgerTransactions)?
    private let codec: any JobCodec
    private let defaultQueue: QueueName?
    private let now: (@Sendable () -> Timestamp)?
    /// One a shard; none without a ledger.
    let lanes: [RecordLane]
    private let skew: SkewReport
    let chain: EnqueueChain
    /// Behind each enqueue that is no part of a transaction, once every middleware has seen it end; its error is the
    /// caller's.
    private let afterwards: Afterwards?
    /// Changes jobs that wait.
    let changer: Changer

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

    /// What follows an enqueue: a test's jobs that run inline.
    package typealias Afterwards = @Sendable () async throws(EnqueueError) -> Void

    /// - Parameter patience: how long a recorded enqueue waits for the queue beside its commit; nil = for as long as
    ///   it takes, in a schedule that decides itself when a call goes on.
    package init(
        queue: any ShardedDriver, ledger: (any LedgerDriver)?, durability: Durability = .recorded,
        codec: any JobCodec = JSONCodec(), defaultQueue: QueueName? = nil,
        middleware: [JobMiddleware] = [], observer: any JobObserver = SilentObserver(),
        now: (@Sendable () -> Timestamp)? = nil, patience: Duration?, afterwards: Afterwards? = nil
    ) {
        let (queue, ledger) = (queue.sharded, ledger?.store)
        changer = Changer(queue: queue, ledger: ledger)
        map = queue.map
        shards = queue.shards.map { ($0.part, $0.enqueueing) }
        self.ledger = ledger?.recording
        transactions = ledger?.transactions
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
        self.afterwards = afterwards
    }

    /// Enqueues one job. Returns once the store of the durability mode has it.
    ///
    /// After a crash of this process at any point the job is either there whole or not at all.
    ///
    /// - Parameter job: its stored properties are written by the client's codec, to `Limits.bodyBytes` at
    ///   most.
    /// - Parameter queue: where it goes; nil, the default, is the queue of its type's policy, or the client's
    ///   `defaultQueue` where that names none.
    /// - Parameter runAt: the job waits until this time, by the queue's clock: from 1970 to ten years ahead.
    ///   nil, the default, or a time that has passed: it may run at once.
    /// - Parameter priority: its share of the turns in its queue; nil, the default, is that of the type's
    ///   policy.
    /// - Parameter unique: lets one job under this key into its queue, for the key's lifetime; a key has up
    ///   to `Limits.uniqueKeyBytes`, and one `.forever` needs mode recorded. nil, the default: any number.
    /// - Parameter id: a UUIDv7 made within a day (`Limits.idClockSkew`) of the store's clock; a new one
    ///   unless it is given. Keep it beforehand to enqueue again after a lost answer, from another process
    ///   too.
    /// - Parameter tags: names for people, up to `Limits.tags` of 100 bytes each; none by default.
    /// - Parameter trace: a W3C trace context of up to `Limits.traceBytes`, carried untouched; empty by
    ///   default.
    /// - Parameter headers: bytes by name, up to `Limits.headers` of them and `Limits.headerBytes` together;
    ///   none by default. This one and the next three are `.layoutNotRaised` until every program that uses
    ///   the queue is known to read them.
    /// - Parameter tenant: on whose behalf it runs, up to 100 bytes; nil, the default: nobody's in
    ///   particular.
    /// - Parameter limitKey: what counts together with it, up to 100 bytes; nil, the default: nothing does.
    /// - Parameter notAfter: the end of its use, later than its creation and `runAt`. A job that has not begun by
    ///   then never does: instead of being leased it ends as `cancelled`, for the reason `expired`. One that has
    ///   begun in time goes on, later attempts included; `JobContext.notAfter` tells its handler. nil, the
    ///   default: no end.
    /// - Parameter durability: what this call waits for; nil, the default, is the client's own. `.recorded`
    ///   without a ledger is `.refused`.
    /// - Returns: the receipt, once the store of the mode has the job: from then on a crash of this process
    ///   can delay it and not lose it. Where `existed`, nothing was written, and `id` is the job that had the
    ///   id or the unique key before.
    /// - Throws: `.invalid`, `.refused`, `.idConflict`, `.keysElsewhere`, `.layoutNotRaised` or `.closed`:
    ///   nothing was enqueued, and the same call will not succeed before what the error names is changed.
    /// - Throws: `.damaged` with the id, in mode queued alone: keys of the queue in Redis are damaged, and the job
    ///   may be there whole, in part or not at all. Once they are mended, enqueue it again with that id.
    /// - Throws: `.unavailable` or `.full`: nothing was enqueued; the same call may succeed later.
    ///   `.cancelled`, where the calling task was before the call was sent: nothing was enqueued.
    /// - Throws: `.uncertain` with the id: the job is there whole or not at all. Enqueue the same job with
    ///   that id again: one that is there is answered as `existed`. In mode queued do so at once:
    ///   `Limits.tombstone` after the ledger knows its end Redis forgets a job, and would take it once more.
    @discardableResult
    public func enqueue<J: Job>(
        _ job: J, on queue: QueueName? = nil, at runAt: Timestamp? = nil, priority: JobPriority? = nil,
        unique: UniqueKey? = nil, id: JobID = JobID(), tags: [String] = [], trace: String = "",
        headers: [String: [UInt8]] = [:], tenant: String? = nil, limitKey: String? = nil,
        notAfter: Timestamp? = nil, durability: Durability? = nil
    ) async throws(EnqueueError) -> Receipt {
        let made = try record(
            of: job, on: queue, at: runAt, priority: priority, unique: unique, id: id, tags: tags,
            trace: trace, headers: headers, tenant: tenant, limitKey: limitKey, notAfter: notAfter)
        return try await enqueue(made, durability: durability)
    }

    /// A job as it is enqueued: what the call leaves out is that of its type's policy.
    func record<J: Job>(
        of job: J, on queue: QueueName?, at runAt: Timestamp?, priority: JobPriority?, unique: UniqueKey?,
        id: JobID, tags: [String], trace: String, headers: [String: [UInt8]], tenant: String?,
        limitKey: String?, notAfter: Timestamp?
    ) throws(EnqueueError) -> JobRecord {
        let policy = J.policy
        let body: [UInt8]
        do {
            body = try codec.encode(job)
        } catch {
            throw .refused("the arguments of \(J.jobType) cannot be encoded: \(CodingFailure.text(error))")
        }
        return JobRecord(
            id: id, type: J.jobType,
            queue: queue ?? (policy.queue == .default ? defaultQueue ?? .default : policy.queue),
            priority: priority ?? policy.priority, body: body, codec: codec.name, runAt: runAt,
            timeout: policy.timeout, maxAttempts: policy.attempts, maxCrashes: policy.maxCrashes,
            unique: unique,
            createdAt: now?() ?? .now, tags: tags, trace: trace, headers: headers, tenant: tenant,
            limitKey: limitKey, notAfter: notAfter)
    }

    /// Enqueues a job of any type by its record. Returns once the store of the durability mode has it.
    ///
    /// - Parameter record: as `JobRecord.check()` allows it; its `createdAt` becomes what the store's clock
    ///   shows.
    /// - Parameter durability: what this call waits for; nil, the default, is the client's own. `.recorded`
    ///   without a ledger is `.refused`.
    /// - Returns: the receipt; where `existed`, nothing was written, and `id` is the job that was there
    ///   before.
    /// - Throws: what the enqueue of a `Job` throws, with the same left behind: nothing, but after
    ///   `.uncertain` the whole job or nothing.
    @discardableResult
    public func enqueue(_ record: JobRecord, durability: Durability? = nil) async throws(EnqueueError)
        -> Receipt
    {
        let receipt = try await passed(record, durability ?? self.durability)
        if let afterwards { try await afterwards() }
        return receipt
    }

    private func passed(_ record: JobRecord, _ durability: Durability) async throws(EnqueueError) -> Receipt {
        if chain.isEmpty { return try await send(record, durability) }
        let call = EnqueueCall(records: [record], durability: durability, isInTransaction: false)
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
        case .queued: return try await push(record)
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
        let receipts = try await passed(records, durability ?? self.durability)
        if let afterwards { try await afterwards() }
        return receipts
    }

    private func passed(
        _ records: [JobRecord], _ durability: Durability
    ) async throws(EnqueueError) -> [Receipt] {
        if chain.isEmpty { return try await send(records, durability) }
        let call = EnqueueCall(records: records, durability: durability, isInTransaction: false)
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
            try await claimKeys(of: records)
            let shards = map.shards(of: records)
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
        lanes[Int(map.shard(of: queue).number)]
    }

    /// Before jobs are recorded: makes sure that the ledger keeps the unique keys of their queues.
    func claimKeys(of records: [JobRecord]) async throws(EnqueueError) {
        for shard in map.shards(of: records) {
            let keyed = records.filter { $0.unique != nil && map.shard(of: $0.queue) == shard }
            try await lanes[Int(shard.number)].claimKeys(of: keyed)
        }
    }

    func check(_ record: JobRecord) throws(EnqueueError) {
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

    /// The same of a queue, which mostly knows it without a question.
    private func clock(of queue: any Enqueueing, _ id: JobID) async throws(EnqueueError) -> Timestamp? {
        do {
            return noted(try await queue.stamp().at)
        } catch {
            // Nothing was pushed yet, whatever became of the question.
            if error.code == .uncertain { throw .unavailable(error.detail) }
            throw EnqueueError(error, id)
        }
    }

    /// What the clock shows by which a job would be judged and created now.
    package func storeClock(
        for record: JobRecord, _ durability: Durability?
    ) async throws(EnqueueError) -> Timestamp {
        if let now { return now() }
        switch durability ?? self.durability {
        case .recorded:
            guard let ledger else { throw .refused("mode recorded needs a ledger") }
            return try await clock(of: ledger, record.id) ?? .now
        case .queued:
            let queue = shards[Int(map.shard(of: record.queue).number)].queue
            if let known = knownClock(of: queue) { return known }
            return try await clock(of: queue, record.id) ?? .now
        }
    }

    private func knownClock(of queue: any Enqueueing) -> Timestamp? { queue.knownStamp.map { noted($0.at) } }

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

    /// One job alone. It takes no array through its steps, for those cost more than all that is done with one job.
    private func push(_ record: JobRecord) async throws(EnqueueError) -> Receipt {
        let queue = shards[Int(map.shard(of: record.queue).number)].queue
        var store = now == nil ? knownClock(of: queue) : nil
        if store == nil, now == nil { store = try await clock(of: queue, record.id) }
        let record = try stamped(record, at: store)
        let answers: [PushAnswer]
        do {
            answers = try await queue.push([Push(record)], issued: nil)
        } catch {
            throw EnqueueError(error, record.id)
        }
        guard let receipt = answers[0].receipt(of: record) else {
            throw .unavailable("the queue withheld a job that was pushed alone")
        }
        return try receipt.get()
    }

    private func push(_ records: [JobRecord]) async throws(EnqueueError) -> [Receipt] {
        let shard = shards[Int(map.shard(of: records[0].queue).number)]
        for record in records where !shard.part.holds(record.queue) {
            throw .acrossShards(records[0].queue, record.queue)
        }
        var store = now == nil ? knownClock(of: shard.queue) : nil
        if store == nil, now == nil { store = try await clock(of: shard.queue, records[0].id) }
        let records = try stamped(records, at: store)
        let answers: [PushAnswer]
        do {
            answers = try await shard.queue.push(records.map { Push($0) }, issued: nil)
        } catch {
            throw EnqueueError(error, records[0].id)
        }
        return try zip(records, answers).map { $1.receipt(of: $0) }.receipts()
    }
}
