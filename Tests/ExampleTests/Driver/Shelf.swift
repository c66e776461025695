import TallyCore

/// A job as the shelf holds it, the unique key that it took, and whether it was leased once.
struct Item: Sendable {
    var job: JobSnapshot
    var key: Key?
    var hasBegun = false
}

/// One unique key in one queue; nil of a record without one.
struct Key: Hashable, Sendable {
    let queue: QueueName
    let text: String

    init?(_ record: JobRecord) {
        guard let unique = record.unique else { return nil }
        queue = record.queue
        text = unique.text
    }
}

/// Whose a unique key is; `until` nil = until that job has ended.
struct Holder: Sendable {
    let id: JobID
    let until: Timestamp?
}

/// How a job ended, in which log entry, and when the mirror reported that the ledger has it.
struct Tombstone: Sendable {
    let end: QueueView.Ended
    let seq: Int64
    var reportedAt: Timestamp?
}

/// The runnable jobs of a queue that have one priority.
struct Lane: Hashable, Sendable {
    let queue: QueueName
    let priority: JobPriority
}

/// All that the queue knows. It has no lock and no clock: whoever calls brings the time.
struct Shelf: Sendable {
    let epoch: Int64
    var items: [JobID: Item] = [:]
    var lanes: [Lane: [JobID]] = [:]
    /// When what waits falls due, and when what is leased runs out.
    var due: [JobID: Timestamp] = [:]
    var leases: [JobID: Timestamp] = [:]
    var tombstones: [JobID: Tombstone] = [:]
    var keys: [Key: Holder] = [:]
    var paused: Set<QueueName> = []
    var turns: [QueueName: Int] = [:]
    var log: [LogEntry] = []
    var seq: Int64 = 0
    var bells: [Int: AsyncStream<Void>.Continuation] = [:]
    var bellsHung = 0
    var isClosed = false

    /// The year 2255: a time beyond it counts as this one.
    static let latest = Timestamp(microseconds: (1 << 53) - 1)

    init(at now: Timestamp) {
        epoch = max(1, now.microseconds / 1000)
        append(.epoch, [], at: now)
    }

    /// One entry for all that a call moved; none for a call that moved nothing.
    mutating func append(
        _ verb: Verb, _ moves: [Move], at now: Timestamp, actor: String? = nil, beat: WorkerBeat? = nil
    ) {
        if moves.isEmpty, beat == nil, verb != .epoch { return }
        seq += 1
        log.append(
            LogEntry(
                position: LogPosition(epoch: epoch, seq: seq), verb: verb, at: now, actor: actor,
                moves: moves, beat: beat))
        ring()
    }

    // MARK: - Who waits for work

    mutating func hang(_ bell: AsyncStream<Void>.Continuation) -> Int {
        bellsHung += 1
        bells[bellsHung] = bell
        return bellsHung
    }

    func ring() { for bell in bells.values { bell.yield() } }

    func hasWork(in queues: [QueueName], at now: Timestamp) -> Bool {
        if due.values.contains(where: { $0 <= now }) || leases.values.contains(where: { $0 <= now }) {
            return true
        }
        return lanes.contains { lane, jobs in
            !jobs.isEmpty && queues.contains(lane.queue) && !paused.contains(lane.queue)
        }
    }

    // MARK: - Where a job stands

    /// Takes a job off whatever it stands in. It is still held.
    mutating func lift(_ id: JobID) {
        due[id] = nil
        leases[id] = nil
        guard let job = items[id]?.job, job.status == .pending else { return }
        lanes[Lane(queue: job.record.queue, priority: job.record.priority)]?.removeAll { $0 == id }
    }

    /// Runnable from now on, behind all others of its queue and priority.
    mutating func makeReady(_ item: Item) {
        var item = item
        item.job.status = .pending
        item.job.lease = nil
        let record = item.job.record
        items[record.id] = item
        lanes[Lane(queue: record.queue, priority: record.priority), default: []].append(record.id)
    }

    mutating func makeWait(_ item: Item, as status: JobStatus, until time: Timestamp) {
        var item = item
        item.job.status = status
        item.job.runAt = time
        item.job.lease = nil
        items[item.job.record.id] = item
        due[item.job.record.id] = time
    }

    /// The job has ended: it goes, a tombstone comes, and its unique key is free unless it lasts for a time.
    mutating func end(_ id: JobID, as status: JobStatus, version: Int) {
        lift(id)
        if let key = items.removeValue(forKey: id)?.key, let holder = keys[key], holder.id == id,
            holder.until == nil
        {
            keys[key] = nil
        }
        tombstones[id] = Tombstone(end: QueueView.Ended(status: status, version: version), seq: seq + 1)
    }

    // MARK: - The log

    func entries(after position: LogPosition, limit: Int, bytes: Int) -> [LogEntry] {
        var left = bytes
        var found: [LogEntry] = []
        for entry in log where entry.position > position {
            if found.count >= limit || left <= 0 { break }
            found.append(entry)
            left -= entry.moves.reduce(64) { sum, move in
                sum + 64 + (move.record?.body.count ?? 0) + (move.result?.count ?? 0)
            }
        }
        return found
    }

    /// An end is remembered for a minute after the ledger has it: until then a late push may still come.
    mutating func report(applied position: LogPosition, at now: Timestamp) {
        log.removeAll { $0.position <= position }
        for (id, tombstone) in tombstones where tombstone.reportedAt == nil {
            if LogPosition(epoch: epoch, seq: tombstone.seq) <= position { tombstones[id]?.reportedAt = now }
        }
        tombstones = tombstones.filter { _, tombstone in
            tombstone.reportedAt.map { now - $0 < Limits.tombstone } ?? true
        }
        keys = keys.filter { _, holder in holder.until.map { $0 > now } ?? true }
    }

    func history(at now: Timestamp) -> QueueHistory {
        QueueHistory(epoch: epoch, seq: seq, isHeld: false, now: now, logLength: log.count)
    }
}
