import Synchronization
import TallyCore
import TallyMemory
import TallyRuntime

/// Runs the jobs of a test, one at a time.
final class TestDesk: Sendable {
    /// Of one enqueue, unless a test says otherwise.
    static let usualRuns = 1000

    private struct State {
        var handlers: [JobType: JobHandler] = [:]
        var runs: [TestJobs.Run] = []
        /// Somebody runs jobs already.
        var isBusy = false
        /// How often that was asked for: what came in meanwhile is looked for once more.
        var asks = 0
        var nextEvent: Timestamp?
        /// What inline runs met while their caller had an error of its own to hear.
        var owed: (any Error)?
    }
    private let queue: MemoryQueue
    private let ledger: MemoryLedger
    private let clock: ManualClock
    private let codec: any JobCodec
    private let middleware: [JobMiddleware]
    private let errors: [ErrorRule]
    private let worker = WorkerID("test")
    private let state = Mutex(State())

    init(
        queue: MemoryQueue, ledger: MemoryLedger, clock: ManualClock, codec: any JobCodec,
        middleware: [JobMiddleware], errors: [ErrorRule]
    ) {
        self.queue = queue
        self.ledger = ledger
        self.clock = clock
        self.codec = codec
        self.middleware = middleware
        self.errors = errors
    }

    func setHandlers(_ handlers: [JobHandler]) {
        let all = handlers.map { ($0.type, $0.wrapped(in: middleware)) }
        state.withLock { $0.handlers = Dictionary(all) { _, last in last } }
    }

    var runs: [TestJobs.Run] { state.withLock { $0.runs } }
    /// When the next job falls due, as it was known after the last drain.
    var nextEvent: Timestamp? { state.withLock { $0.nextEvent } }

    // MARK: Inline

    /// Behind an enqueue. That has succeeded, whatever the runs behind it meet; a test is to hear of it all the same.
    func afterEnqueue() async throws(EnqueueError) {
        do {
            try await runInline()
        } catch {
            throw .refused("the job was enqueued, and what runs inline behind it broke off: \(error)")
        }
    }

    /// Behind the end of a transaction.
    ///
    /// - Returns: what whoever has committed is to hear.
    func afterTransaction(_ isCommitted: Bool) async -> (any Error)? {
        do {
            try await runInline()
            return nil
        } catch {
            if !isCommitted { state.withLock { $0.owed = error } }
            return error
        }
    }

    /// While a transaction is open nothing runs: a job might wait for what it holds, and it waits for the job. Its
    /// end comes here again.
    private func runInline() async throws {
        if ledger.isInTransaction { return }
        _ = try await drain(atMost: Self.usualRuns)
    }

    // MARK: Run

    /// Until nothing is due. Who comes while another is at it leaves it to that one.
    ///
    /// - Parameter ran: so many of the runs that are allowed were before.
    func drain(atMost most: Int, ran: Int = 0) async throws -> [TestJobs.Run] {
        let owed = state.withLock { state in
            defer { state.owed = nil }
            return state.owed
        }
        if let owed { throw owed }
        let isFree = state.withLock { state in
            state.asks += 1
            defer { state.isBusy = true }
            return !state.isBusy
        }
        if !isFree { return [] }
        do {
            var runs: [TestJobs.Run] = []
            while true {
                let asks = state.withLock { $0.asks }
                try await runAll(&runs, atMost: most, ran: ran)
                let isDone = state.withLock { state in
                    if state.asks == asks { state.isBusy = false }
                    return state.asks == asks
                }
                if isDone { return runs }
            }
        } catch {
            state.withLock { $0.isBusy = false }
            throw error
        }
    }

    private func runAll(_ runs: inout [TestJobs.Run], atMost most: Int, ran: Int) async throws {
        // Jobs that a transaction has recorded are not pushed by their client.
        try await RelayAndMirror.run(queue, ledger)
        var left: [Lease] = []
        var tooMany: JobType?
        while tooMany == nil, let job = try await reserve() {
            guard let handler = state.withLock({ $0.handlers[job.record.type] }) else {
                left.append(job.lease)
                continue
            }
            if ran + runs.count >= most {
                left.append(job.lease)
                tooMany = job.record.type
            } else {
                runs.append(try await run(job, by: handler))
            }
        }
        // Only now, or they would be handed out again and again.
        for lease in left { _ = try await queue.settle(.release(lease)) }
        if let tooMany { throw TestJobs.TooManyRuns(most: most, next: tooMany) }
    }

    private func run(_ job: ReservedJob, by handler: JobHandler) async throws -> TestJobs.Run {
        let outcome = await outcome(of: job, by: handler)
        _ = try await queue.settle(settlement(outcome, of: job.lease))
        let run = TestJobs.Run(job: job.record, attempt: job.attempts + 1, outcome: outcome)
        state.withLock { $0.runs.append(run) }
        try await RelayAndMirror.run(queue, ledger)
        return run
    }

    private func reserve() async throws -> ReservedJob? {
        var nextEvent: Timestamp?
        for names in try await queue.counts().map(\.queue).pages(of: Limits.queuesPerCall) {
            // The longest lease: a test may move the clock while a job runs.
            let wish = ReserveWish(names, limit: 1, lease: Limits.maxLease, worker: worker)
            let reservation = try await queue.reserve(wish)
            if let job = reservation.jobs.first { return job }
            if let event = reservation.nextEvent { nextEvent = min(event, nextEvent ?? event) }
        }
        state.withLock { $0.nextEvent = nextEvent }
        return nil
    }

    private func outcome(of job: ReservedJob, by handler: JobHandler) async -> RunOutcome {
        guard codec.name == job.record.codec else {
            return .fail(attempts: job.attempts + 1, error: "no codec named \(job.record.codec) in this test")
        }
        let context = JobContext(job, worker: worker, codec: codec, ledger: ledger)
        return await handler.outcome(of: context, errors: errors, clock: clock.reading)
    }

    private func settlement(_ outcome: RunOutcome, of lease: Lease) -> Settlement {
        func time(_ after: Duration) -> Timestamp? { after > .zero ? clock.now + after : nil }
        switch outcome {
        case .complete(let result): return .ack(lease, result: result)
        case .retry(let after, let attempts, let error):
            return .retry(lease, runAt: time(after), attempts: attempts, error: error)
        case .fail(let attempts, let error): return .fail(lease, attempts: attempts, error: error)
        case .release(let after): return .release(lease, runAt: time(after))
        }
    }
}
