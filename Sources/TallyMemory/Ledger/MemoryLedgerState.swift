import TallyCore

/// The ledger as a plain state machine: no lock, no clock. Each verb is one transaction of the SQL twin.
struct MemoryLedgerState: Sendable {
    var rows: [JobID: LedgerRow] = [:]
    /// The ids of `rows`, in order.
    private(set) var order: [JobID] = []
    var outbox: [Int64: OutboxEntry] = [:]
    var lastOutbox: Int64 = 0
    var unique: [UniqueSlot: UniqueHolder] = [:]
    /// Queues whose unique keys the queue keeps.
    var keyHomes: Set<QueueName> = []
    /// The newest record layout that may be recorded.
    var recordLayout = JobRecord.newestLayout
    var events: [JobID: [JobEvent]] = [:]
    /// By shard; none before its first batch.
    var cursors: [Shard: LogPosition] = [:]
    var workers: [WorkerID: WorkerRow] = [:]
    /// What handlers logged, in the order in which it came.
    var lines: [JobID: [AttemptLine]] = [:]
    var quarantine: [(job: JobID, position: LogPosition, bytes: [UInt8])] = []
    /// Why no push could bring them to the queue.
    var setAside: [JobID: String] = [:]
    var runs: [ReconcileRun] = []
    var duties: [String: KeptDuty] = [:]
    var leases: [String: KeptLease] = [:]
    /// Jobs whose effect is committed, each with the result that was stored with it.
    var effects: [JobID: [UInt8]] = [:]

    /// Jobs created, those still in the outbox not included.
    var accepted = 0
    /// Ended jobs whose rows were deleted.
    var purged = 0
    /// Rows by terminal status.
    var ended: [JobStatus: Int] = [:]

    mutating func insert(_ row: LedgerRow) {
        let id = row.job.record.id
        rows[id] = row
        order.insert(id, at: place(after: id))
        if row.job.status.isTerminal { ended[row.job.status, default: 0] += 1 }
    }

    /// Writes a row that is there, and keeps balances and unique keys in step with its status.
    mutating func update(_ row: LedgerRow) {
        let id = row.job.record.id
        let before = rows[id]?.job.status
        rows[id] = row
        let after = row.job.status
        guard before != after else { return }
        if let before, before.isTerminal { ended[before, default: 0] -= 1 }
        guard after.isTerminal else { return }
        ended[after, default: 0] += 1
        if let slot = row.job.record.slot, row.job.record.unique?.lifetime == .untilTerminal,
            unique[slot]?.id == id
        {
            unique[slot] = nil
        }
    }

    /// Deletes dead letters that are as the caller saw them, and old enough.
    mutating func purge(_ jobs: [JobID: Int], before time: Timestamp) -> Set<JobID> {
        var gone: Set<JobID> = []
        for (id, version) in jobs {
            guard let job = rows[id]?.job, job.status == .failed, job.version == version,
                job.completedAt.map({ $0 < time }) == true, id.createdAt < time
            else { continue }
            rows[id] = nil
            order.remove(at: place(after: id) - 1)
            effects[id] = nil
            ended[.failed, default: 0] -= 1
            purged += 1
            gone.insert(id)
        }
        return gone
    }

    /// The index in `order` of the first id after `id`.
    func place(after id: JobID) -> Int {
        var low = 0
        var high = order.count
        while low < high {
            let middle = (low + high) / 2
            if order[middle] <= id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// One row a queue.
    mutating func addOutbox(_ jobs: [(id: JobID, version: Int)], isRequeue: Bool, at now: Timestamp)
        -> [OutboxID]
    {
        let queues = Dictionary(grouping: jobs) { rows[$0.id]?.job.record.queue ?? .default }
        return queues.sorted { $0.key < $1.key }.map { queue, jobs in
            lastOutbox += 1
            outbox[lastOutbox] = OutboxEntry(
                id: lastOutbox, jobs: jobs, queue: queue, at: now, isRequeue: isRequeue)
            return OutboxID(lastOutbox)
        }
    }

    func view(_ id: JobID, carried: Set<JobID>) -> LedgerView? {
        guard let row = rows[id] else { return nil }
        let job = row.job
        return LedgerView(
            id: id, queue: job.record.queue, status: job.status, version: job.version, epoch: job.epoch,
            seq: job.seq,
            hasOutbox: carried.contains(id),
            runAt: job.status == .scheduled || job.status == .retrying ? job.runAt : nil,
            bodyBytes: job.record.body.count, hasBegun: row.hasBegun)
    }

    /// Ids that an outbox row still carries.
    var carried: Set<JobID> { Set(outbox.values.flatMap { $0.jobs.map(\.id) }) }
}

extension JobRecord {
    /// The place of its unique key.
    var slot: UniqueSlot? { unique.map { UniqueSlot(queue: queue, key: $0.text) } }
}
