import TallyCore

/// A queue in which something happens just before a repair; all else goes through.
package struct HookedQueue: ReconcilableQueue {
    let base: any ReconcilableQueue
    let beforeRepair: @Sendable (JobID) async throws -> Void

    package init(
        base: any ReconcilableQueue, _ beforeRepair: @escaping @Sendable (JobID) async throws -> Void
    ) {
        self.base = base
        self.beforeRepair = beforeRepair
    }

    private func hook(_ id: JobID) async throws(QueueError) {
        do { try await beforeRepair(id) } catch { throw QueueError(.invalid, "hook", "\(error)") }
    }
    package func repair(_ repairs: [QueueRepair]) async throws(QueueError) -> [Bool] {
        for repair in repairs { try await hook(repair.id) }
        return try await base.repair(repairs)
    }
    package func mend(_ place: QueuePlace, _ verdict: PlaceVerdict, epoch: Int64) async throws(QueueError)
        -> Bool
    {
        try await hook(place.id)
        return try await base.mend(place, verdict, epoch: epoch)
    }

    package func push(_ jobs: [Push], issued: Issued?, at now: Timestamp?) async throws(QueueError)
        -> [PushAnswer]
    {
        try await base.push(jobs, issued: issued, at: now)
    }
    package func reserve(_ wish: ReserveWish, at now: Timestamp?) async throws(QueueError) -> Reservation {
        try await base.reserve(wish, at: now)
    }
    package func extend(_ leases: [Lease], by length: Duration, at now: Timestamp?) async throws(QueueError)
        -> [ExtendAnswer]
    { try await base.extend(leases, by: length, at: now) }
    package func ack(_ acks: [Ack], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await base.ack(acks, at: now)
    }
    package func retry(_ retries: [Retry], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await base.retry(retries, at: now)
    }
    package func fail(_ failures: [Failure], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer] {
        try await base.fail(failures, at: now)
    }
    package func release(_ releases: [Release], at now: Timestamp?) async throws(QueueError) -> [SettleAnswer]
    {
        try await base.release(releases, at: now)
    }
    package func cancel(
        _ id: JobID, tombstone: (version: Int, issued: Issued)?, at now: Timestamp?
    ) async throws(QueueError) -> CancelAnswer { try await base.cancel(id, tombstone: tombstone, at: now) }
    package func promote(_ limit: Int, at now: Timestamp?) async throws(QueueError) -> Int {
        try await base.promote(limit, at: now)
    }
    package func reclaim(_ limit: Int, at now: Timestamp?) async throws(QueueError) -> Int {
        try await base.reclaim(limit, at: now)
    }
    package func pause(_ queue: QueueName, _ paused: Bool) async throws(QueueError) {
        try await base.pause(queue, paused)
    }
    package func heartbeat(_ beat: WorkerBeat, at now: Timestamp?) async throws(QueueError) {
        try await base.heartbeat(beat, at: now)
    }
    package func wait(for queues: [QueueName], upTo time: Duration) async throws {
        try await base.wait(for: queues, upTo: time)
    }
    package func stamp() async throws(QueueError) -> Issued { try await base.stamp() }
    package func history() async throws(QueueError) -> QueueHistory { try await base.history() }
    package func open(epoch: Int64) async throws(QueueError) { try await base.open(epoch: epoch) }
    package func log(after position: LogPosition, limit: Int) async throws(QueueError) -> [LogEntry] {
        try await base.log(after: position, limit: limit)
    }
    package func report(applied position: LogPosition, at now: Timestamp?) async throws(QueueError) {
        try await base.report(applied: position, at: now)
    }
    package func close() async { await base.close() }
    package func inspect(_ ids: [JobID], at now: Timestamp?) async throws(QueueError) -> QueueView {
        try await base.inspect(ids, at: now)
    }
    package func counts(at now: Timestamp?) async throws(QueueError) -> [QueueCounts] {
        try await base.counts(at: now)
    }
    package func scan(_ cursor: String, limit: Int) async throws(QueueError) -> (ids: [JobID], next: String?)
    {
        try await base.scan(cursor, limit: limit)
    }
    package func survey() async throws(QueueError) -> QueueSurvey { try await base.survey() }
    package func correctSurvey(_ missing: Int) async throws(QueueError) -> Bool {
        try await base.correctSurvey(missing)
    }
    package func pair(with ledger: String) async throws(QueueError) -> Bool {
        try await base.pair(with: ledger)
    }
    package func queueNames() async throws(QueueError) -> [QueueName] { try await base.queueNames() }
    package func walk(_ structure: QueueStructure, _ cursor: String, limit: Int) async throws(QueueError)
        -> (places: [PlaceFound], next: String?)
    { try await base.walk(structure, cursor, limit: limit) }
    package func check(_ jobs: [(place: QueuePlace, seen: PlaceVerdict)], epoch: Int64)
        async throws(QueueError)
        -> [JobID: PlaceVerdict]
    { try await base.check(jobs, epoch: epoch) }
    package func roster(_ cursor: String, limit: Int) async throws(QueueError)
        -> (workers: [(id: WorkerID, words: [UInt8])], next: String?)
    { try await base.roster(cursor, limit: limit) }
    package func tell(_ worker: WorkerID, words: [UInt8]) async throws(QueueError) -> Bool {
        try await base.tell(worker, words: words)
    }
    package func forget(_ worker: WorkerID, words: [UInt8]) async throws(QueueError) -> Bool {
        try await base.forget(worker, words: words)
    }
    package func leakedKeys(_ cursor: String, limit: Int) async throws(QueueError) -> (
        keys: [LeakedKey], next: String?
    ) { try await base.leakedKeys(cursor, limit: limit) }
    package func freeKey(_ key: LeakedKey) async throws(QueueError) -> Bool { try await base.freeKey(key) }
}
