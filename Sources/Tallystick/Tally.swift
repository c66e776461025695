import Foundation
import TallyCore
import TallyPostgres
import TallyRuntime

/// Both halves, opened: enqueue, cancel, make workers. One for a process; shared by any number of tasks.
///
///     let tally = try await Tally.open()  // reads TALLY_REDIS_URL, TALLY_POSTGRES_URL
///     let receipt = try await tally.enqueue(SendInvoice(order: 7), unique: UniqueKey("invoice 7"))
///     print(receipt.existed ? "there already" : "enqueued", receipt.id)
///     print(try await tally.cancel(receipt.id))
///     await tally.close()
public final class Tally: Sendable {
    /// What it was opened with.
    public let settings: Settings
    /// Enqueues; for what `enqueue` here does not offer.
    public let client: JobClient
    /// The live half: one shard, or several.
    public let queue: ShardedQueue
    /// The half that keeps the record; nil without Postgres.
    public let ledger: LedgerStore?
    /// Its driver, where it is Postgres: what is not asked through a seam.
    package let postgres: PostgresLedger?
    private let middleware: [JobMiddleware]
    private let observer: any JobObserver

    /// Opens with the settings of the environment: `TALLY_REDIS_URL`, `TALLY_POSTGRES_URL`, `TALLY_NAMESPACE`,
    /// `TALLY_MODE`.
    ///
    /// - Throws: `InvalidSetting`, `QueueError` or `LedgerError`, each saying what is wrong and how to mend it.
    ///   Nothing is left running.
    public static func open(
        middleware: [JobMiddleware] = [], observer: any JobObserver = SilentObserver()
    ) async throws -> Tally {
        try await open(
            Settings(layers: [ProcessInfo.processInfo.environment]), middleware: middleware,
            observer: observer)
    }

    /// Opens with these settings.
    ///
    /// - Parameter middleware: around each enqueue of its client, and each run and settlement of its workers; the
    ///   first is the outermost.
    /// - Parameter isPairing: checks that the halves belong together, before anything is written to a Redis; a run of
    ///   the reconciler does so itself.
    /// - Parameter isReading: writes nothing to the ledger while it opens, so a role that may only read can: neither
    ///   half is claimed for the other, nor the schema for the namespace. Like every call to Redis it begins an epoch
    ///   there where one is due. A shard that was away is asked anew by each call, as ever.
    /// - Parameter connecting: how long each new connection to a store may take; a server that hangs costs as much.
    /// - Throws: `InvalidSetting` before anything is asked; `QueueError` and `LedgerError` where a store is away or
    ///   none that this program may use; `PairingRefused` where the halves do not belong together. What was opened
    ///   by then is closed.
    public static func open(
        _ settings: Settings, middleware: [JobMiddleware] = [], observer: any JobObserver = SilentObserver(),
        isPairing: Bool = true, isReading: Bool = false, connecting: Duration = Limits.connect
    ) async throws -> Tally {
        try await open(
            settings, middleware: middleware, observer: observer, isPairing: isPairing, isReading: isReading,
            isForOneAnswer: false, connecting: connecting)
    }

    /// As above.
    ///
    /// - Parameter isForOneAnswer: for a command that answers once and ends: a shard that is away as it opens is not
    ///   asked again for its jobs and its log, since that would wait as long once more.
    package static func open(
        _ settings: Settings, middleware: [JobMiddleware] = [], observer: any JobObserver,
        isPairing: Bool, isReading: Bool, isForOneAnswer: Bool, connecting: Duration
    ) async throws -> Tally {
        let opening = Opening(
            settings: settings, observer: observer, isPairing: isPairing, isReading: isReading,
            isForOneAnswer: isForOneAnswer, connecting: connecting)
        let halves = try await opening.open()
        return Tally(
            settings: settings, queue: halves.queue, ledger: halves.ledger, middleware: middleware,
            observer: observer)
    }

    /// For a process that can do nothing without the queue: ends its first start on an answer that no waiting mends.
    ///
    /// - Throws: `QueueError` with what to change. A queue that is away is no reason.
    public func checkStart() async throws(QueueError) {
        for shard in queue.shards {
            do { _ = try await shard.transitions.history() } catch { if !error.mayRetry { throw error } }
        }
    }

    /// Over drivers that are open already, such as the memory ones in a test. `close` closes them too.
    public init(
        settings: Settings, queue: any ShardedDriver, ledger: (any LedgerDriver)?,
        middleware: [JobMiddleware] = [], observer: any JobObserver = SilentObserver()
    ) {
        self.settings = settings
        self.queue = queue.sharded
        self.ledger = ledger?.store
        postgres = ledger as? PostgresLedger
        self.middleware = middleware
        self.observer = observer
        client = JobClient(
            queue: queue, ledger: ledger, durability: settings.mode, middleware: middleware,
            observer: observer)
    }

    /// Enqueues one job. Returns once the store of the durability mode has it: Postgres by default.
    ///
    /// - Parameter job: its stored properties are written as JSON, to `Limits.bodyBytes` at most.
    /// - Parameter queue: where it goes; nil, the default, is the queue of its type's policy.
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
    /// - Parameter durability: what this call waits for; nil, the default, is the mode of the settings.
    ///   `.recorded` without a ledger is `.refused`.
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
        try await client.enqueue(
            job, on: queue, at: runAt, priority: priority, unique: unique, id: id, tags: tags, trace: trace,
            headers: headers, tenant: tenant, limitKey: limitKey, notAfter: notAfter, durability: durability)
    }

    /// Runs `body` in a transaction of the ledger's database: committed when it returns, rolled back when it throws
    /// or takes longer than `transactionTimeout`. For `JobContext.complete(in:)`, and for jobs enqueued beside your
    /// own rows.
    ///
    /// - Throws: what `body` throws, or `LedgerError`; `.uncertain` when the answer to the commit was lost,
    ///   `.unsupported` without Postgres.
    public func withTransaction<Value: Sendable>(
        _ body: (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        guard let postgres else {
            throw LedgerError(
                .unsupported, "transaction", "there is no Postgres ledger: set TALLY_POSTGRES_URL")
        }
        return try await postgres.withTransaction(body)
    }

    /// Cancels a job, wherever it stands, on every shard that has its id and answers. A running one is asked to stop,
    /// and may complete first.
    ///
    /// - Throws: `QueueError` or `LedgerError` for what the caller has done wrong; what a store has met, an outage or
    ///   not, is told as `.uncertain`.
    public func cancel(_ id: JobID) async throws -> CancelOutcome {
        try await Canceller(queue: queue, ledger: ledger).cancel(id)
    }

    /// A worker for these types, on the queues that their policies name.
    public func worker(for types: any Job.Type..., concurrency: Int = Limits.concurrency) -> Worker {
        var queues: [QueueName] = []
        for type in types where !queues.contains(type.policy.queue) { queues.append(type.policy.queue) }
        return worker(
            handlers: types.map { JobHandler($0) },
            configuration: WorkerConfiguration(queues: queues, concurrency: concurrency))
    }

    /// A worker with these handlers. Its `middleware` stands inside that of this `Tally`.
    public func worker(
        handlers: [JobHandler], configuration: WorkerConfiguration, middleware: [JobMiddleware] = []
    ) -> Worker {
        Worker(
            queue: queue, ledger: ledger?.transactions, handlers: handlers,
            configuration: configuration, middleware: self.middleware + middleware,
            observer: observer)
    }

    /// What an operator asks of the live half, where that is one shard; each of several is asked by `queue.shards`.
    ///
    /// - Throws: `.unsupported` when the driver lacks it, or there are several.
    public func inspectable() throws(QueueError) -> any QueueInspection {
        if queue.shards.count > 1 {
            throw QueueError(
                .unsupported, "inspect", "there are \(queue.shards.count) shards: ask each of `queue.shards`")
        }
        return try queue.shards[0].inspectable()
    }

    /// Waits for pushes under way, then closes both halves. May be repeated.
    public func close() async {
        await client.drain()
        await queue.close()
        await ledger?.close()
    }
}
