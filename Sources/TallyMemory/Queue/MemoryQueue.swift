import Synchronization
import TallyCore

/// The queue in this process' memory: the reference for what every driver does, and what applications test against.
///
/// Nothing survives the process. Each call is one atomic step under a lock; the rules are in `MemoryQueueState`,
/// which knows neither lock nor clock.
public final class MemoryQueue: QueueDriver {
    private struct Shared: Sendable {
        var state: MemoryQueueState
        var waiters = Waiters()
        var lastNow = Timestamp(microseconds: 0)
        var isClosed = false

        /// The moment of a call: a test clock's word, or this machine's.
        mutating func time(_ read: Timestamp?) -> Timestamp {
            lastNow = read ?? max(.now, lastNow)
            return lastNow
        }
    }

    private let shared: Mutex<Shared>
    private let clock: (@Sendable () -> Timestamp)?
    private let part: ShardPart

    /// Its seams.
    public var store: QueueStore {
        var store = QueueStore(self) { await self.close() }
        store.part = part
        store.inspection = self
        store.repair = self
        store.keyHomes = self
        store.recordLayout = self
        store.types = self
        store.changes = self
        return store
    }

    /// - Parameters:
    ///   - clock: a test's; what it shows counts, also where it goes back. Without it this machine's does, and never
    ///     steps back.
    ///   - epoch: the number of the first history.
    ///   - held: whether leases wait until `open(epoch:)`, as after the loss of a server.
    ///   - part: which of several shards it is.
    public convenience init(
        clock: (@Sendable () -> Timestamp)? = nil, epoch: Int64 = 1, held: Bool = false,
        part: ShardPart = .whole
    ) {
        self.init(clock: clock, epoch: epoch, held: held, bounds: MemoryQueueState.Bounds(), part: part)
    }

    /// A queue with small bounds, so that a test can reach them.
    package convenience init(clock: (@Sendable () -> Timestamp)? = nil, window: Int, logEntries: Int) {
        self.init(
            clock: clock, epoch: 1, held: false, bounds: .init(window: window, logEntries: logEntries),
            part: .whole)
    }

    /// A queue that older programs may still use, so that a test can raise its layout.
    package convenience init(clock: (@Sendable () -> Timestamp)? = nil, recordLayout: Int) {
        self.init(clock: clock)
        shared.withLock { $0.state.recordLayout = recordLayout }
    }

    private init(
        clock: (@Sendable () -> Timestamp)?, epoch: Int64, held: Bool, bounds: MemoryQueueState.Bounds,
        part: ShardPart
    ) {
        self.clock = clock
        self.part = part
        var state = MemoryQueueState(bounds: bounds, part: part)
        state.startEpoch(epoch, held: held, at: clock?() ?? .now)
        shared = Mutex(Shared(state: state))
    }

    /// Begins a new history over the same contents, as a restarted server does. Leases are held back until
    /// `open(epoch:)`; those in force stay valid. Returns the new epoch: the old one + 1, or the clock's milliseconds
    /// where they are higher.
    @discardableResult
    package func startEpoch() throws(QueueError) -> Int64 {
        try run("startEpoch") { state, now in
            state.startEpoch(max(state.epoch + 1, now.microseconds / 1000), held: true, at: now)
            return state.epoch
        }
    }

    /// One atomic step. Those whom it gave work are woken after the lock is released.
    func run<Answer: Sendable>(
        _ operation: String, _ body: (inout MemoryQueueState, Timestamp) throws(QueueError) -> Answer
    ) throws(QueueError) -> Answer {
        let read = clock?()
        let (answer, woken) = try shared.withLock { shared throws(QueueError) -> (Answer, [Waiter]) in
            if shared.isClosed { throw QueueError(.closed, operation) }
            let now = shared.time(read)
            let answer = try body(&shared.state, now)
            let woken = shared.waiters.take(waitingFor: shared.state.woken)
            shared.state.woken = []
            return (answer, woken)
        }
        for waiter in woken { waiter.resume() }
        return answer
    }
}

extension MemoryQueue: Enqueueing, Leasing, TransitionLog, QueueControl, QueueInspection, QueueRepairing {
    // MARK: - Enqueue and lease

    public func push(_ jobs: [Push], issued: Issued?) async throws(QueueError) -> [PushAnswer] {
        try MemoryQueueState.check(jobs, at: clock?() ?? .now)
        try part.check(jobs)
        return try run("push") { state, now throws(QueueError) in
            try state.push(jobs, issued: issued, at: now)
        }
    }

    public func stamp() async throws(QueueError) -> Issued {
        try run("stamp") { state, now in
            Issued(shard: state.part.shard, epoch: state.isHeld(at: now) ? 0 : state.epoch, at: now)
        }
    }

    public func reserve(_ wish: ReserveWish) async throws(QueueError) -> Reservation {
        try MemoryQueueState.check(wish)
        return try run("reserve") { state, now in state.reserve(wish, at: now) }
    }

    public func extend(_ leases: [Lease], by length: Duration) async throws(QueueError) -> [ExtendAnswer] {
        try MemoryQueueState.checkLease(length, "extend")
        return try run("extend") { state, now in state.extend(leases, by: length, at: now) }
    }

    public func settle(_ settlements: [Settlement]) async throws(QueueError) -> [SettleAnswer] {
        try Settlement.check(settlements)
        return try run("settle") { state, now in state.settle(settlements, at: now) }
    }

    @discardableResult
    public func heartbeat(_ beat: WorkerBeat) async throws(QueueError) -> BeatAnswer {
        try run("heartbeat") { state, now in state.heartbeat(beat, at: now) }
    }

    public func wait(for queues: [QueueName], upTo time: Duration) async throws {
        let ticket = try run("wait") { state, now in
            state.hasWork(in: queues, at: now) ? nil : Waiters.Ticket()
        }
        guard let ticket else { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.sleep(ticket, queues) }
            group.addTask { try await Task.sleep(for: time) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Sleeps until one of the queues may have work. Looks once more while it signs up: work may have come since.
    private func sleep(_ ticket: Waiters.Ticket, _ queues: [QueueName]) async throws {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let read = clock?()
                let hasSigned = shared.withLock { shared in
                    if shared.isClosed || shared.state.hasWork(in: queues, at: shared.time(read)) {
                        return false
                    }
                    return shared.waiters.add(ticket, Waiter(queues: queues, continuation: continuation))
                }
                if !hasSigned { continuation.resume() }
            }
        } onCancel: {
            shared.withLock { $0.waiters.cancel(ticket) }?.resume()
        }
        let isClosed = shared.withLock { shared in
            shared.waiters.forget(ticket)
            return shared.isClosed
        }
        try Task.checkCancellation()
        if isClosed { throw QueueError(.closed, "wait") }
    }

    // MARK: - Control

    public func cancel(
        _ id: JobID, tombstone: (version: Int, issued: Issued)?
    ) async throws(QueueError) -> CancelAnswer {
        try run("cancel") { state, now in state.cancel(id, tombstone: tombstone, at: now) }
    }

    public func cancelWaiting(
        _ ids: [JobID], tombstones: [JobID: Int], issued: Issued?
    ) async throws(QueueError) -> [CancelWaitingAnswer] {
        if ids.count > Limits.jobsPerCall {
            throw QueueError(.invalid, "cancel", "\(ids.count) jobs; at most \(Limits.jobsPerCall) a call")
        }
        return try run("cancel") { state, now in
            state.cancelWaiting(ids, tombstones: tombstones, issued: issued, at: now)
        }
    }

    public func promote(_ limit: Int) async throws(QueueError) -> Int {
        try run("promote") { state, now in state.promote(limit, at: now) }
    }

    public func reclaim(_ limit: Int) async throws(QueueError) -> Int {
        try run("reclaim") { state, now in state.reclaim(limit, at: now) }
    }

    public func pause(_ queue: QueueName, _ paused: Bool) async throws(QueueError) {
        try run("pause") { state, _ in
            if paused {
                state.paused.insert(queue)
            } else if state.paused.remove(queue) != nil {
                state.woken.insert(queue)
            }
        }
    }

    // MARK: - History

    public func history() async throws(QueueError) -> QueueHistory {
        try run("history") { state, now in state.history(at: now) }
    }

    public func open(epoch: Int64) async throws(QueueError) {
        try run("open") { state, _ in state.open(epoch: epoch) }
    }

    public func log(
        after position: LogPosition, limit: Int, bytes: Int
    ) async throws(QueueError) -> [LogEntry] {
        try part.check(position, "log")
        return try run("log") { state, _ in state.log.entries(after: position, limit: limit, bytes: bytes) }
    }

    public func report(applied position: LogPosition) async throws(QueueError) {
        try part.check(position, "report")
        try run("report") { state, now in state.report(applied: position, at: now) }
    }

    /// Those who wait are woken and find the queue closed.
    public func close() async {
        let woken = shared.withLock { shared in
            shared.isClosed = true
            return shared.waiters.takeAll()
        }
        for waiter in woken { waiter.resume() }
    }

    // MARK: - Inspect and repair

    public func inspect(_ ids: [JobID], bodies: QueueView.Bodies) async throws(QueueError) -> QueueView {
        try run("inspect") { state, now in state.inspect(ids, bodies: bodies, at: now) }
    }

    public func counts() async throws(QueueError) -> [QueueCounts] {
        try run("counts") { state, now in state.counts(at: now) }
    }

    public func scan(_ cursor: String, limit: Int) async throws(QueueError) -> (ids: [JobID], next: String?) {
        try run("scan") { state, _ throws(QueueError) in try state.scan(cursor, limit: limit) }
    }

    public func repair(_ repairs: [QueueRepair]) async throws(QueueError) -> [Bool] {
        try run("repair") { state, now throws(QueueError) in
            for repair in repairs {
                if let why = repair.action.problem(at: now, on: part) {
                    throw QueueError(.invalid, "repair", "job \(repair.id): \(why)")
                }
            }
            return repairs.map { state.repair($0, at: now) }
        }
    }
}

extension MemoryQueue: JobChanging {
    public func change(
        _ id: JobID, runAt: Timestamp?, priority: JobPriority?
    ) async throws(QueueError) -> ChangeAnswer {
        try run("change") { state, now throws(QueueError) in
            try state.change(id, runAt: runAt, priority: priority, at: now)
        }
    }
}

extension MemoryQueue: TypeControl {
    public func pauseType(_ type: JobType, _ paused: Bool) async throws(QueueError) {
        try run("types") { state, _ throws(QueueError) in try state.pauseType(type, paused) }
    }
    public func pausedTypes() async throws(QueueError) -> [JobType] {
        try run("types") { state, _ in state.pausedTypes }
    }
}

extension MemoryQueue: QueueRecordLayout {
    public func recordLayout() async throws(QueueError) -> Int {
        try run("recordLayout") { state, _ in state.recordLayout }
    }
    public func raiseRecordLayout(to layout: Int) async throws(QueueError) {
        try run("raiseRecordLayout") { state, _ in state.recordLayout = max(state.recordLayout, layout) }
    }
}
