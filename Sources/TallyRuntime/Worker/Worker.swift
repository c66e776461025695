import Glibc
import Synchronization
import TallyCore

/// Reserves jobs, runs them, keeps their leases, reports their ends.
///
///     let worker = Worker(
///         queue: queue, ledger: ledger, handlers: [JobHandler(SendInvoice.self)],
///         configuration: WorkerConfiguration(queues: ["mail"], concurrency: 8))
///     let running = Task { try await worker.run() }
///     await worker.drain(within: .seconds(20))  // when the process is told to stop
///     try await running.value
///
/// `run()` goes on until cancelled, which stops now, also during a drain: running handlers are cancelled and their
/// jobs handed back, which counts neither as an attempt nor as a crash, whatever a handler throws when it is asked to
/// stop. `drain` stops reserving and lets them finish. A kill at any moment loses nothing: the leases run out and
/// others take over. Once it has started, the worker waits with growing pauses while a store is away or answers
/// anything that it should not, tells the observer, and goes on by itself.
///
/// A handler that ignores its cancellation for `Limits.stopGrace` is handed back all the same, to be run again
/// `Limits.stop` later: end the process by then, or it may run beside the next attempt, whose fence is higher.
public final class Worker: Sendable {
    /// What it takes and how.
    public let configuration: WorkerConfiguration
    /// The name that its leases and its heartbeats carry.
    public var id: WorkerID { configuration.id }
    /// Jobs running right now.
    public var active: Int { state.withLock { $0.table.occupied } }

    /// Over all shards: what it asks for may live on any.
    let queue: any Leasing
    /// Those that its queues live on. What it holds on one shard is kept and settled there, whatever becomes of
    /// others.
    let shards: [WorkerShard]
    let ledger: (any LedgerTransactions)?
    let handlers: [JobType: JobHandler]
    let observer: any JobObserver
    let settleChain: SettleChain
    /// Waits between two early reports; a test's waits for the test.
    let pause: @Sendable (Duration) async throws -> Void
    let startedAt = Timestamp.now
    let state = Mutex(State())
    /// A slot became free, or everything ended.
    let changed = Notice()
    /// A handler got further, or has logged something.
    let told = Notice()
    /// A lease runs out sooner than the watch on them knows.
    let sooner = Notice()

    struct State {
        var table = RunningTable()
        var reserver: Task<Void, any Error>?
        /// nil = not draining; then running jobs may go on until here.
        var drainBy: ContinuousClock.Instant?
        /// The next time at which leases are looked at; nil = none is known of.
        var watchedDeadline: ContinuousClock.Instant?
        var hasEnded = false
        var onEnd: [CheckedContinuation<Void, Never>] = []
        var unknown = UnknownTypes()
        var counts = RunCounts()
        var lines = LineBuffer()
        /// Shards to which something is to be told before the next heartbeat.
        var news: Set<Shard> = []
        /// The queue's clock minus this machine's wall clock, µs.
        var skew: Int64 = 0
    }

    /// - Parameter ledger: for handlers that complete inside a transaction; others need none.
    /// - Parameter middleware: around each run and each settlement; the first is the outermost.
    public convenience init(
        queue: any ShardedDriver, ledger: (any LedgerTransactions)? = nil, handlers: [JobHandler],
        configuration: WorkerConfiguration = WorkerConfiguration(),
        middleware: [JobMiddleware] = [], observer: any JobObserver = SilentObserver()
    ) {
        self.init(
            queue: queue, ledger: ledger, handlers: handlers, configuration: configuration,
            middleware: middleware, observer: observer, pause: { try await Task.sleep(for: $0) })
    }

    init(
        queue: any ShardedDriver, ledger: (any LedgerTransactions)?, handlers: [JobHandler],
        configuration: WorkerConfiguration, middleware: [JobMiddleware], observer: any JobObserver,
        pause: @escaping @Sendable (Duration) async throws -> Void
    ) {
        let queue = queue.sharded
        self.queue = queue.leasing
        shards = WorkerShard.all(of: queue, for: configuration.queues, observer: observer)
        self.ledger = ledger
        self.configuration = configuration
        self.observer = observer
        self.pause = pause
        self.handlers = Dictionary(
            handlers.map { ($0.type, $0.wrapped(in: middleware)) }, uniquingKeysWith: { _, last in last })
        settleChain = SettleChain(middleware)
    }

    /// - Throws: `CancellationError` when cancelled; `QueueError` when the queue was closed, or its very first answer
    ///   says that it can never be used (wrong server, wrong credentials, queues that it does not take).
    public func run() async throws {
        let result = await withTaskCancellationHandler {
            await runToEnd()
        } onCancel: {
            stopNow()
        }
        let callers = state.withLock { state in
            state.hasEnded = true
            return state.onEnd
        }
        for caller in callers { caller.resume() }
        try Task.checkCancellation()
        if case .failure(let error) = result, !(error is CancellationError) { throw error }
    }

    private func runToEnd() async -> Result<Void, any Error> {
        await beatAll(.running)
        let reserver = Task.detached { try await self.reserveLoop() }
        let isDraining = state.withLock { state in
            state.reserver = reserver
            return state.drainBy != nil
        }
        if isDraining { reserver.cancel() }
        let beats =
            shards.map { shard in Task.detached { await self.heartbeatLoop(shard) } }
            + [Task.detached { await self.progressLoop() }]
        let watch = Task.detached { await self.watchLeases() }
        let result = await reserver.result
        if !Task.isCancelled { await beatAll(.draining) }
        await finish()
        for beat in beats { beat.cancel() }
        watch.cancel()
        for beat in beats { await beat.value }
        await watch.value
        await settleChain.drain(until: .now + Limits.stopGrace)
        for shard in shards { await shard.lane.drain() }
        await beatAll(.stopped)
        return result
    }

    /// Stops reserving and returns once `run()` has ended: after the running jobs, or after `time`, when they are
    /// cancelled and handed back. A second call may shorten the time.
    public func drain(within time: Duration? = nil) async {
        end(by: .now + (time ?? configuration.drain))
        await withCheckedContinuation { caller in
            let ended = state.withLock { state in
                if state.hasEnded { return true }
                state.onEnd.append(caller)
                return false
            }
            if ended { caller.resume() }
        }
    }

    private func stopNow() {
        for shard in shards { shard.lane.giveUp(at: .now + Limits.stop) }
        end(by: .now)
    }

    private func end(by deadline: ContinuousClock.Instant) {
        let reserver = state.withLock { state in
            state.drainBy = min(state.drainBy ?? deadline, deadline)
            return state.reserver
        }
        reserver?.cancel()
        changed.post()
    }

    // MARK: Reserve

    private func reserveLoop() async throws {
        let policy = ExponentialBackoff(base: Limits.retryStoreBase, cap: Limits.retryStoreCap, jitter: 0.5)
        var rotation = QueueRotation(
            configuration.queues, weights: configuration.weights, isStrict: configuration.isStrict)
        var failures = 0
        var hasStarted = false
        /// How long to wait before the next reserve, since the last one left nothing.
        var pause: Duration?
        while true {
            try Task.checkCancellation()
            let (free, owesTooMuch) = state.withLock { state in
                (configuration.concurrency - state.table.occupied, state.table.owesTooMuch)
            }
            if free <= 0 || owesTooMuch {
                await changed.wait()
                continue
            }
            do {
                let turn = rotation.next(free: free)
                var wish = ReserveWish(
                    turn.queues, limit: turn.limit, lease: configuration.lease, worker: configuration.id)
                wish.isOrdered = true
                let wait = pause
                pause = nil
                let (reservation, sent) = try await take(wish, after: wait)
                failures = 0
                hasStarted = true
                accept(reservation, sent: sent)
                let isWhole = reservation.isWhole(of: turn.limit)
                rotation.count(reservation.taken, in: turn, isWhole: isWhole)
                if isWhole { pause = IdlePause.after(reservation, random: .random(in: 0..<1)) }
            } catch let error as QueueError where Self.waitsOut(error, hasStarted: hasStarted) {
                observer.dutyFailed("reserve", error)
                failures += 1
                try await Task.sleep(for: policy.delay(afterFailure: failures, random: .random(in: 0..<1)))
            }
        }
    }

    private func take(_ wish: ReserveWish, after pause: Duration?) async throws
        -> (Reservation, sent: ContinuousClock.Instant)
    {
        if let pause {
            return try await queue.reserve(wish, afterWaitingFor: configuration.queues, upTo: pause)
        }
        let sent = ContinuousClock.now
        return (try await queue.reserve(wish), sent)
    }

    /// The first start ends on what no waiting mends. Damage is a matter of some keys, and these may go aside as the
    /// next connection opens: it keeps no worker from its other queues.
    private static func waitsOut(_ error: QueueError, hasStarted: Bool) -> Bool {
        error.mayRetry || error.code == .damaged || hasStarted && error.code != .closed
    }

    private func accept(_ reservation: Reservation, sent: ContinuousClock.Instant) {
        // From before the call was sent: this machine never believes in a lease longer than the queue does.
        let deadline = sent + configuration.lease
        let (keys, isSooner) = state.withLock { state in
            state.skew = reservation.now.microseconds - Timestamp.now.microseconds
            let isSooner =
                !reservation.jobs.isEmpty && deadline < state.watchedDeadline ?? .now + Limits.maxLease * 2
            if isSooner { state.watchedDeadline = deadline }
            return (reservation.jobs.map { state.table.add($0, deadline: deadline) }, isSooner)
        }
        if isSooner { sooner.post() }
        for lease in reservation.corrupt {
            lane(of: lease).add(
                OwedSettlement(
                    settlement: .fail(
                        lease, attempts: 0, error: "corrupt: the stored body is not what was enqueued"),
                    deadline: deadline, done: { _ in }))
        }
        for (job, key) in zip(reservation.jobs, keys) {
            let task = Task.detached { await self.perform(job, key) }
            let stop = state.withLock { $0.table.attach(task, to: key) }
            if stop != nil { task.cancel() }
        }
    }

    // MARK: End

    /// Waits for running jobs until the drain's deadline, then cancels them; those that ignore it are handed back
    /// without them.
    private func finish() async {
        await waitUntilIdle { $0.drainBy ?? .now }
        let tasks = state.withLock { state in
            state.table.entries.keys.compactMap { state.table.stop($0, .workerStops) }
        }
        for task in tasks { task.cancel() }
        let deadline = ContinuousClock.now + Limits.stopGrace
        await waitUntilIdle { _ in deadline }
        for key in state.withLock({ Array($0.table.entries.keys) }) { handBack(key) }
    }

    /// - Parameter deadline: asked anew after each change, since a drain may be cut short.
    private func waitUntilIdle(
        until deadline: @escaping @Sendable (borrowing State) -> ContinuousClock.Instant
    ) async {
        // In a task of its own: this one may be cancelled already, and must still wait.
        await Task.detached {
            while self.active > 0 {
                let deadline = self.state.withLock { deadline($0) }
                if deadline <= .now { return }
                await self.changed.wait(until: deadline)
            }
        }.value
    }
}

extension Reservation {
    /// Whether each queue that was asked was looked at: slots were left over, and no bound of the call ended it.
    /// What is leased and damaged has used up a part of what was asked for.
    fileprivate func isWhole(of limit: Int) -> Bool { !isCut && jobs.count + corrupt.count < limit }
    /// How many jobs each queue gave.
    fileprivate var taken: [QueueName: Int] {
        jobs.reduce(into: [:]) { $0[$1.record.queue, default: 0] += 1 }
    }
}
