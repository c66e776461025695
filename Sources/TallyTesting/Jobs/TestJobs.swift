import TallyCore
import TallyMemory
import TallyRuntime

/// A client whose jobs run in the test itself, over stores in memory: no servers, no worker, no waiting.
///
///     let jobs = TestJobs(handlers: [JobHandler(SendInvoice.self)])
///     try await order(7, through: jobs.client)
///     try await jobs.expectEnqueued(SendInvoice.self) { $0.order == 7 }
///     let runs = try await jobs.drain()
///     #expect(runs.map(\.outcome) == [.complete(result: [])])
///
/// A run is decided as a worker decides it, by the same code: attempts, backoff without its spread, snoozes, what is
/// final. Only the job's timeout does not count, and one job runs at a time.
public final class TestJobs: Sendable {
    /// When jobs run.
    public enum Mode: Hashable, Sendable {
        /// Within the call that enqueues them, if they are due; what they enqueue runs behind them. Those of a
        /// transaction run behind its commit, within `withTransaction`, and never after a rollback; while one is open
        /// nothing runs.
        ///
        /// What a handler throws is the outcome of its run, and no error of that call. `TooManyRuns` and what a store
        /// throws are: an enqueue throws them as `EnqueueError.refused`, a commit and `drain` as they are, though the
        /// jobs are there.
        case inline
        /// When the test says so.
        case manual
    }

    /// One run of one job.
    public struct Run: Hashable, Sendable {
        /// What was run.
        public let job: JobRecord
        /// 1 for the first.
        public let attempt: Int
        /// What became of it.
        public let outcome: RunOutcome
    }

    /// More jobs ran than were to: most likely one that enqueues itself again and again.
    public struct TooManyRuns: Error, Hashable, Sendable, CustomStringConvertible {
        /// So many were to run at most.
        public let most: Int
        /// The type of the next one.
        public let next: JobType
        public var description: String {
            "\(most) jobs have run and \(next) still waits; does it enqueue itself?"
        }
    }

    /// What the code under test enqueues through.
    public let client: JobClient
    /// The time of the queue: it stands until it is moved. It begins at this machine's.
    public let clock: ManualClock
    /// Where the jobs wait.
    public let queue: MemoryQueue
    /// The record of all jobs, and what handlers open transactions in.
    public let ledger: MemoryLedger
    private let desk: TestDesk
    private let codec: any JobCodec

    /// - Parameters:
    ///   - handlers: a job of a type that none of them takes stays where it is.
    ///   - durability: what enqueues wait for; nothing here depends on it.
    ///   - middleware: around each enqueue and each run; a settlement passes none.
    ///   - errors: what errors mean by their type for all handlers, as in `WorkerConfiguration.errors`.
    ///   - clock: that of the queue, and of the ledger unless one is given.
    ///   - ledger: one with the application's rows, for handlers with effects of their own; with
    ///     `MemoryLedger(clock: clock.reading, …)` it goes by the same clock.
    public convenience init(
        _ mode: Mode = .manual, handlers: [JobHandler], durability: Durability = .recorded,
        middleware: [JobMiddleware] = [], errors: [ErrorRule] = [], codec: any JobCodec = JSONCodec(),
        clock: ManualClock = ManualClock(.now), ledger: MemoryLedger? = nil
    ) {
        self.init(
            mode, durability: durability, middleware: middleware, errors: errors, codec: codec, clock: clock,
            ledger: ledger
        ) { _ in handlers }
    }

    /// The same, for handlers that enqueue themselves.
    ///
    /// - Parameter handlers: gets the client that they are to enqueue through.
    public init(
        _ mode: Mode = .manual, durability: Durability = .recorded, middleware: [JobMiddleware] = [],
        errors: [ErrorRule] = [], codec: any JobCodec = JSONCodec(),
        clock: ManualClock = ManualClock(.now), ledger: MemoryLedger? = nil,
        handlers: (JobClient) -> [JobHandler]
    ) {
        let ledger = ledger ?? MemoryLedger(clock: clock.reading)
        let queue = MemoryQueue(clock: clock.reading)
        let desk = TestDesk(
            queue: queue, ledger: ledger, clock: clock, codec: codec, middleware: middleware, errors: errors)
        var afterwards: JobClient.Afterwards?
        if mode == .inline {
            afterwards = { () async throws(EnqueueError) in try await desk.afterEnqueue() }
            ledger.afterTransactions { [weak desk] in await desk?.afterTransaction($0) }
        }
        client = JobClient(
            queue: queue, ledger: ledger, durability: durability, codec: codec, middleware: middleware,
            now: clock.reading, patience: nil, afterwards: afterwards)
        self.clock = clock
        self.queue = queue
        self.ledger = ledger
        self.desk = desk
        self.codec = codec
        desk.setHandlers(handlers(client))
    }

    /// Runs what is due, and what that enqueues, until nothing is. A call from within a handler runs nothing.
    ///
    /// - Parameter most: so many runs at most.
    /// - Returns: the runs, in their order.
    /// - Throws: `TooManyRuns`, or what a store throws.
    @discardableResult
    public func drain(atMost most: Int = 1000) async throws -> [Run] { try await desk.drain(atMost: most) }

    /// Moves the clock, and runs on the way what falls due, each at its own time. `clock.advance` only moves it.
    ///
    /// - Returns: the runs, in their order.
    /// - Throws: as `drain` does; the clock stays where it has come to.
    @discardableResult
    public func advance(by step: Duration, atMost most: Int = 1000) async throws -> [Run] {
        let end = clock.now + step
        var runs = try await desk.drain(atMost: most)
        while let next = desk.nextEvent, next > clock.now, next <= end {
            clock.set(next)
            runs += try await desk.drain(atMost: most, ran: runs.count)
        }
        clock.set(end)
        return runs + (try await desk.drain(atMost: most, ran: runs.count))
    }

    /// All runs so far, also those within enqueues.
    public var runs: [Run] { desk.runs }

    /// Where a job stands; nil if there is none of this id.
    public func status(of id: JobID) async throws -> JobStatus? {
        try await RelayAndMirror.run(queue, ledger)
        return try await ledger.jobs([id])[id]?.status
    }

    /// Every job that was enqueued, whatever became of it, in the order of creation: those of transactions too.
    public func enqueued() async throws -> [JobRecord] {
        try await RelayAndMirror.run(queue, ledger)
        var records: [JobRecord] = []
        var query = JobQuery(limit: Limits.maxPage)
        repeat {
            let page = try await ledger.list(query)
            records += page.jobs.map(\.record)
            query.cursor = page.next
        } while query.cursor != nil
        return records
    }

    /// Expects that a job of this type was enqueued, one that fits.
    ///
    /// - Parameter queue: nil = whichever.
    /// - Returns: the first that fits.
    /// - Throws: `NotEnqueued`, which says what was enqueued instead.
    @discardableResult
    public func expectEnqueued<J: Job>(
        _: J.Type, on queue: QueueName? = nil, where fits: @Sendable (J) throws -> Bool = { _ in true }
    ) async throws -> JobRecord {
        let all = try await enqueued()
        for record in all where record.type == J.jobType && (queue == nil || record.queue == queue) {
            if try fits(try codec.decode(J.self, from: record.body)) { return record }
        }
        throw NotEnqueued(J.jobType, on: queue, like: nil, among: all)
    }

    /// Expects that this job was enqueued, with just these arguments.
    ///
    /// - Parameter queue: nil = whichever.
    /// - Returns: the first of them.
    /// - Throws: `NotEnqueued`, which says in what the nearest one differs.
    @discardableResult
    public func expectEnqueued<J: Job>(_ job: J, on queue: QueueName? = nil) async throws -> JobRecord {
        let (all, body) = (try await enqueued(), try codec.encode(job))
        let found = all.first {
            $0.type == J.jobType && (queue == nil || $0.queue == queue) && $0.body == body
        }
        if let found { return found }
        throw NotEnqueued(J.jobType, on: queue, like: body, among: all)
    }

    /// Expects that no job of this type was enqueued, or none that fits.
    ///
    /// - Throws: `Unexpected`, which holds the first that fits.
    public func expectNotEnqueued<J: Job>(
        _: J.Type, where fits: @Sendable (J) throws -> Bool = { _ in true }
    ) async throws {
        for record in try await enqueued() where record.type == J.jobType {
            if try fits(try codec.decode(J.self, from: record.body)) { throw Unexpected(record: record) }
        }
    }

    /// A job was enqueued that was not to be.
    public struct Unexpected: Error, Hashable, Sendable, CustomStringConvertible {
        /// The job.
        public let record: JobRecord
        public var description: String {
            "\(record.type) was enqueued on \(record.queue): \(NotEnqueued.shown(record.body))"
        }
    }
}
