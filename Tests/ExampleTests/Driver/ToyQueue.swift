import Synchronization
import TallyCore

/// A queue in dictionaries, written by following "Writing a driver". Nothing in it survives the process.
public final class ToyQueue: QueueDriver {
    private let shelf: Mutex<Shelf>
    private let clock: @Sendable () -> Timestamp

    public init(clock: @escaping @Sendable () -> Timestamp = { .now }) {
        self.clock = clock
        shelf = Mutex(Shelf(at: clock()))
    }

    public var store: QueueStore {
        var store = QueueStore(self) { self.close() }
        store.inspection = self
        store.repair = self
        return store
    }

    /// One atomic step: a call that throws leaves the shelf as it was.
    private func step<Answer: Sendable>(
        _ operation: String, _ body: (inout Shelf, Timestamp) throws(QueueError) -> Answer
    ) throws(QueueError) -> Answer {
        try shelf.withLock { shelf throws(QueueError) -> Answer in
            if shelf.isClosed { throw QueueError(.closed, operation) }
            var trial = shelf
            let answer = try body(&trial, clock())
            shelf = trial
            return answer
        }
    }

    private func close() {
        shelf.withLock { shelf in
            shelf.isClosed = true
            for bell in shelf.bells.values { bell.finish() }
        }
    }
}

extension ToyQueue: Enqueueing, Leasing, TransitionLog, QueueControl, QueueInspection, QueueRepairing {
    public func push(_ jobs: [Push], issued: Issued?) async throws(QueueError) -> [PushAnswer] {
        try Self.check(jobs)
        return try step("push") { shelf, now throws(QueueError) in
            try shelf.push(jobs, issued: issued, at: now)
        }
    }

    /// Before anything else, and of a closed queue too: what no queue takes.
    private static func check(_ jobs: [Push]) throws(QueueError) {
        let bytes = jobs.reduce(0) { $0 + $1.record.body.count }
        if jobs.count > Limits.jobsPerCall || jobs.count > 1 && bytes > Limits.bodyBytesPerCall {
            throw QueueError(.invalid, "push", "\(InvalidJob.batchTooLarge(jobs: jobs.count, bytes: bytes))")
        }
        for job in jobs {
            do throws(InvalidJob) {
                try job.record.check()
            } catch {
                throw QueueError(.invalid, "push", "\(error)")
            }
            if !job.isRecorded, job.record.unique?.lifetime == .forever {
                throw QueueError(.invalid, "push", "unique key: a key for ever needs the ledger")
            }
        }
    }

    public func stamp() async throws(QueueError) -> Issued {
        try step("stamp") { shelf, now in Issued(epoch: shelf.epoch, at: now) }
    }

    public func reserve(_ wish: ReserveWish) async throws(QueueError) -> Reservation {
        try Self.check(wish.lease, "reserve")
        let isBlank = wish.queues.contains { $0.text.allSatisfy(\.isWhitespace) }
        if wish.queues.isEmpty || isBlank {
            throw QueueError(.invalid, "reserve", "queue: name at least one, and none blank")
        }
        return try step("reserve") { shelf, now in shelf.reserve(wish, at: now) }
    }

    private static func check(_ lease: Duration, _ operation: String) throws(QueueError) {
        if lease < Limits.minLease || lease > Limits.maxLease {
            throw QueueError(.invalidLease, operation, "\(lease) is not within 1 µs and one day")
        }
    }

    public func extend(_ leases: [Lease], by length: Duration) async throws(QueueError) -> [ExtendAnswer] {
        try Self.check(length, "extend")
        return try step("extend") { shelf, now in leases.map { shelf.extend($0, by: length, at: now) } }
    }

    public func settle(_ settlements: [Settlement]) async throws(QueueError) -> [SettleAnswer] {
        if settlements.count > Limits.jobsPerCall {
            throw QueueError(.invalid, "settle", "\(settlements.count) jobs are too many for one call")
        }
        return try step("settle") { shelf, now in shelf.settle(settlements, at: now) }
    }

    @discardableResult
    public func heartbeat(_ beat: WorkerBeat) async throws(QueueError) -> BeatAnswer {
        try step("heartbeat") { shelf, now in
            shelf.append(.heartbeat, [], at: now, actor: beat.id.text, beat: beat)
            return BeatAnswer(hasRoom: true)
        }
    }

    public func wait(for queues: [QueueName], upTo time: Duration) async throws {
        let (rings, bell) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let number = try step("wait") { shelf, _ in shelf.hang(bell) }
        defer { shelf.withLock { $0.bells[number] = nil } }
        bell.yield()  // for what came before the bell hung
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in rings {
                    let hasWork = try self.step("wait") { shelf, now in shelf.hasWork(in: queues, at: now) }
                    if hasWork { return }
                }
            }
            group.addTask { try await Task.sleep(for: time) }
            defer { group.cancelAll() }
            try await group.next()
        }
        try Task.checkCancellation()
        try step("wait") { _, _ in }  // closed meanwhile?
    }

    public func cancel(
        _ id: JobID, tombstone: (version: Int, issued: Issued)?
    ) async throws(QueueError) -> CancelAnswer {
        try step("cancel") { shelf, now in shelf.cancel(id, tombstone: tombstone, at: now) }
    }

    public func cancelWaiting(
        _ ids: [JobID], tombstones: [JobID: Int], issued: Issued?
    ) async throws(QueueError) -> [CancelWaitingAnswer] {
        if ids.count > Limits.jobsPerCall {
            throw QueueError(.invalid, "cancel", "\(ids.count) jobs are too many for one call")
        }
        return try step("cancel") { shelf, now in
            shelf.cancelWaiting(ids, tombstones: tombstones, issued: issued, at: now)
        }
    }

    public func pause(_ queue: QueueName, _ paused: Bool) async throws(QueueError) {
        try step("pause") { shelf, _ in
            if paused { shelf.paused.insert(queue) } else { shelf.paused.remove(queue) }
            shelf.ring()
        }
    }

    public func promote(_ limit: Int) async throws(QueueError) -> Int {
        try step("promote") { shelf, now in shelf.promote(limit, at: now) }
    }

    public func reclaim(_ limit: Int) async throws(QueueError) -> Int {
        try step("reclaim") { shelf, now in shelf.reclaim(limit, at: now) }
    }

    public func log(
        after position: LogPosition, limit: Int, bytes: Int
    ) async throws(QueueError) -> [LogEntry] {
        try Self.check(position, "log")
        return try step("log") { shelf, _ in shelf.entries(after: position, limit: limit, bytes: bytes) }
    }

    public func report(applied position: LogPosition) async throws(QueueError) {
        try Self.check(position, "report")
        try step("report") { shelf, now in shelf.report(applied: position, at: now) }
    }

    private static func check(_ position: LogPosition, _ operation: String) throws(QueueError) {
        if position.shard != .first {
            throw QueueError(.invalid, operation, "\(position) is no place in this log")
        }
    }

    public func history() async throws(QueueError) -> QueueHistory {
        try step("history") { shelf, now in shelf.history(at: now) }
    }

    /// A shelf begins empty, and holds no epoch back.
    public func open(epoch: Int64) async throws(QueueError) { try step("open") { _, _ in } }

    public func inspect(_ ids: [JobID], bodies: QueueView.Bodies) async throws(QueueError) -> QueueView {
        try step("inspect") { shelf, now in shelf.inspect(ids, bodies: bodies, at: now) }
    }

    public func counts() async throws(QueueError) -> [QueueCounts] {
        try step("counts") { shelf, now in shelf.counts(at: now) }
    }

    public func scan(_ cursor: String, limit: Int) async throws(QueueError) -> (ids: [JobID], next: String?) {
        guard let last = cursor.isEmpty ? JobID.zero : JobID(cursor) else {
            throw QueueError(.invalid, "scan", "cursor: not one that this queue gave out")
        }
        return try step("scan") { shelf, _ in
            let rest = shelf.items.keys.filter { $0 > last }.sorted()
            let page = Array(rest.prefix(max(1, limit)))
            return (page, page.count < rest.count ? page.last?.description : nil)
        }
    }

    public func repair(_ repairs: [QueueRepair]) async throws(QueueError) -> [Bool] {
        for repair in repairs { if case .push(let push) = repair.action { try Self.check([push]) } }
        return try step("repair") { shelf, now in repairs.map { shelf.repair($0, at: now) } }
    }
}
