import TallyCore

/// The jobs of one worker: which run, which are being settled, which must stop. Pure: no clock, no I/O.
struct RunningTable {
    /// One lease of one job. A job may be leased again while its lost run still lingers here.
    struct Key: Hashable {
        let id: JobID
        let version: Int
        let epoch: Int64
        init(_ lease: Lease) {
            id = lease.id
            version = lease.version
            epoch = lease.epoch
        }
    }

    enum StopReason: Hashable {
        /// Another may run the job by now: its end must not be reported.
        case leaseLost
        case cancelRequested
        case timedOut
        case workerStops
    }

    struct Entry {
        var job: ReservedJob
        var lease: Lease
        /// By this machine's monotonic clock, counted from before the reserve was sent: never later than the true
        /// expiry.
        var deadline: ContinuousClock.Instant
        var task: Task<Void, Never>?
        /// Its handler has ended; the outcome is on its way.
        var isSettling = false
        var hasSlot = true
        var stop: StopReason?
        /// What its handler said last.
        var progress: JobProgress?
        /// Of what its end carries to the queue.
        var owedBytes = 0
        /// A settling run is not told: its end may just have arrived.
        var mayLoseLease: Bool { !isSettling && stop != .leaseLost }
    }

    private(set) var entries: [Key: Entry] = [:]
    private(set) var occupied = 0
    /// Ended, and the queue has not answered yet.
    var unsettled: Int { entries.count - occupied }
    private var owedBytes = 0
    /// The queue does not take ends as fast as jobs come: more would gather here until their leases run out.
    var owesTooMuch: Bool { unsettled >= Limits.unsettled || owedBytes >= Limits.unsettledBytes }

    mutating func add(_ job: ReservedJob, deadline: ContinuousClock.Instant) -> Key {
        let key = Key(job.lease)
        entries[key] = Entry(job: job, lease: job.lease, deadline: deadline)
        occupied += 1
        return key
    }

    mutating func attach(_ task: Task<Void, Never>, to key: Key) -> StopReason? {
        entries[key]?.task = task
        return entries[key]?.stop
    }

    /// The handler has ended. Answers the lease in force and why it was stopped, if it was.
    mutating func settle(_ key: Key) -> (lease: Lease, stop: StopReason?)? {
        guard let entry = entries[key], !entry.isSettling else { return nil }
        entries[key]?.isSettling = true
        return (entry.lease, entry.stop)
    }

    mutating func owe(_ key: Key, bytes: Int) {
        entries[key]?.owedBytes = bytes
        if entries[key] != nil { owedBytes += bytes }
    }

    /// Its slot is free. Only once its end is on its way: a worker without an occupied slot has nothing left to tell.
    mutating func free(_ key: Key) {
        guard entries[key]?.hasSlot == true else { return }
        entries[key]?.hasSlot = false
        occupied -= 1
    }

    /// The first reason counts, but a lost lease counts over all others. Answers the task to cancel; nil if there is
    /// nothing to stop.
    mutating func stop(_ key: Key, _ reason: StopReason) -> Task<Void, Never>? {
        guard let entry = entries[key], !entry.isSettling, entry.stop == nil || reason == .leaseLost
        else { return nil }
        entries[key]?.stop = reason
        return entry.task
    }

    /// The last one counts. False where it is nothing new, or the handler has ended.
    mutating func note(_ progress: JobProgress, of key: Key) -> Bool {
        guard let entry = entries[key], !entry.isSettling,
            entry.progress?.fraction != progress.fraction || entry.progress?.text != progress.text
        else { return false }
        entries[key]?.progress = progress
        return true
    }

    /// The jobs that are told in a report, those that said something lately first.
    var told: (running: [JobID], progress: [JobProgress]) {
        let first = entries.sorted { a, b in
            let (left, right) = (a.value.progress?.at.microseconds, b.value.progress?.at.microseconds)
            return (left ?? 0, b.key.id) > (right ?? 0, a.key.id)
        }.prefix(Limits.runningTold)
        return (first.map(\.key.id), first.compactMap(\.value.progress))
    }

    mutating func extend(_ key: Key, _ lease: Lease, deadline: ContinuousClock.Instant) {
        entries[key]?.lease = lease
        entries[key]?.deadline = deadline
    }

    /// The next moment at which a handler must hear that its lease is over; nil if none runs.
    var nextDeadline: ContinuousClock.Instant? {
        entries.values.lazy.filter(\.mayLoseLease).map(\.deadline).min()
    }

    /// Those whose lease is over by this machine's clock, whatever the queue would say.
    func overdue(at now: ContinuousClock.Instant) -> [Key] {
        entries.filter { $0.value.mayLoseLease && $0.value.deadline <= now }.map(\.key)
    }

    mutating func remove(_ key: Key) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        if entry.hasSlot { occupied -= 1 }
        owedBytes -= entry.owedBytes
    }
}
