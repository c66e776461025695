import TallyCore

/// The queue as a plain state machine: no lock, no clock, no waiting. Every verb decides first and writes afterwards,
/// so a call that throws has changed nothing. The Lua functions of `TallyRedis` are its twin.
struct MemoryQueueState: Sendable {
    /// Bounds that tests make small.
    struct Bounds: Sendable {
        var window = Limits.queueWindow
        var logEntries = Limits.logEntries
    }
    let bounds: Bounds
    let part: ShardPart

    var jobs = JobTable()
    var ready: [QueueName: ReadyLists] = [:]
    var due = ScoreSet()
    var leases = ScoreSet()
    var ended: Tombstones
    var unique: [UniqueSlot: UniqueHolder] = [:]
    var homes: [QueueName: KeyHome] = [:]
    /// The epoch that was told which half keeps the keys, as the ledger knows it.
    var keyHomesEpoch: Int64?
    /// The newest record layout that may be written; no program older than this one shares this memory.
    var recordLayout = JobRecord.newestLayout
    var paused: Set<QueueName> = []
    var pausedTypes: [JobType] = []
    /// What was met of paused types, in its order; as runnable as before.
    var parked: [JobType: [QueueName: [JobPriority: [Element]]]] = [:]

    var log: MemoryLog
    /// Of what workers told beside their heartbeats since the log stood there.
    var told: (bytes: Int, since: LogPosition)
    var epoch: Int64 = 0
    var epochBegan = Timestamp(microseconds: 0)
    var holdsLeases = false

    /// Queues that became runnable in this call: the shell wakes those who wait for them.
    var woken: Set<QueueName> = []

    init(bounds: Bounds, part: ShardPart) {
        self.bounds = bounds
        self.part = part
        log = MemoryLog(part.shard)
        ended = Tombstones(part.shard)
        told = (0, .start(of: part.shard))
    }

    /// Whether leases are held back at `now`: nobody has opened the epoch, and the hold has not run out.
    func isHeld(at now: Timestamp) -> Bool { holdsLeases && now - epochBegan < Limits.hold }

    /// A push or a tombstone that was decided too long ago, or in another history, may rest on what is no longer
    /// true.
    func isStale(_ issued: Issued, at now: Timestamp) -> Bool {
        issued.shard != part.shard || issued.epoch != epoch || now - issued.at > Limits.issued
            || isHeld(at: now)
    }

    // MARK: - Where a job stands

    /// Puts the job at the tail of its list, runnable now.
    mutating func makeReady(_ job: QueuedJob) {
        var job = job
        job.status = .pending
        job.lease = nil
        jobs[job.record.id] = job
        ready[job.record.queue, default: ReadyLists()].append(job.element, priority: job.record.priority)
        woken.insert(job.record.queue)
    }

    /// Lets the job wait for `time`.
    mutating func makeWait(_ job: QueuedJob, as status: JobStatus, until time: Timestamp) {
        var job = job
        job.status = status
        job.runAt = time
        job.lease = nil
        jobs[job.record.id] = job
        due.insert(job.element, at: time)
        // Someone who sleeps until a later time must look again.
        woken.insert(job.record.queue)
    }

    /// Takes the job out of the sets. Its list element stays and is outdated when popped.
    mutating func unplace(_ job: QueuedJob) {
        if let lease = job.lease { leases.remove(job.element, at: lease.expiresAt) }
        if job.status == .scheduled || job.status == .retrying, let time = job.runAt {
            due.remove(job.element, at: time)
        }
    }

    /// The job is terminal: it goes, a tombstone comes, its unique key is free unless it lasts for a time.
    mutating func leave(_ id: JobID, _ status: JobStatus, version: Int) {
        if let job = jobs.removeValue(forKey: id) {
            unplace(job)
            if let slot = job.claim, let holder = unique[slot], holder.id == id, holder.until == nil {
                unique[slot] = nil
            }
        }
        ended.write(id, QueueView.Ended(status: status, version: version))
    }

    /// One entry for all moves of a call; none for a call that moved nothing.
    mutating func append(
        _ verb: Verb, _ moves: [Move], at now: Timestamp, actor: String? = nil, beat: WorkerBeat? = nil
    ) {
        if moves.isEmpty, beat == nil { return }
        log.append(epoch: epoch) {
            LogEntry(position: $0, verb: verb, at: now, actor: actor, moves: moves, beat: beat)
        }
    }
}
