/// What stands for a job in a list or a set: id and version, and of a lease its epoch.
public struct QueuePlace: Hashable, Sendable {
    /// The job that it stands for.
    public var id: JobID
    /// The version at which it was put there; one that is not the job's any more is dropped when it is popped.
    public var version: Int
    /// Of a lease.
    public var epoch: Int64?
    /// The element of this job and version; with an epoch, the token of its lease.
    public init(id: JobID, version: Int, epoch: Int64? = nil) {
        self.id = id
        self.version = version
        self.epoch = epoch
    }
}

/// One compare-and-set repair: it happens only in `epoch`, and only while the queue sees the job as `expected`.
public struct QueueRepair: Sendable {
    /// How the reconciler saw the job. Where it stands otherwise by now, the repair is not made.
    public enum Expected: Hashable, Sendable {
        /// The queue neither holds it nor remembers its end.
        case absent
        /// The queue remembers that it ended so.
        case ended(JobStatus, version: Int)
        /// The queue holds it, standing so.
        case held(JobStatus, version: Int)
    }
    /// What the repair does to the job, in one step with its log entry.
    public enum Action: Hashable, Sendable {
        /// Push again from the ledger.
        case push(Push)
        /// End it as the ledger says it ended.
        case end(JobStatus, version: Int)
        /// End it, and say why.
        case endBecause(JobStatus, version: Int, error: String)
        /// Write the tombstone's end to the log again.
        case logEnd
        /// Write to the log how the job stands, with its record where the ledger has no row.
        case logState(withRecord: Bool)
        /// Let it wait until then.
        case wait(until: Timestamp)
        /// Write its record again, as the ledger has it.
        case rewrite(JobRecord)
        /// Write the record of an id that stands in a structure without one.
        case restore(JobSnapshot, place: QueuePlace)
        /// Take out an id of which neither store has a record, or a held job whose record is damaged and that the
        /// ledger lacks; it ends as failed, with a stub for the ledger.
        case failWithoutRecord(stub: JobRecord, place: QueuePlace)
        /// Take back its lease, which has run out.
        case reclaim
        /// Make it runnable: its time has come.
        case promote
    }
    /// The job that is mended.
    public var id: JobID
    /// The queue's epoch in which it was looked at. In a later one the repair is not made.
    public var epoch: Int64
    /// How it was seen to stand.
    public var expected: Expected
    /// What is to be done.
    public var action: Action
    /// The drift code, such as `D04`; it goes into the log.
    public var code: String
    /// A repair. Made twice, its second time meets a job that no longer stands as expected, and changes nothing.
    public init(id: JobID, epoch: Int64, expected: Expected, action: Action, code: String) {
        self.id = id
        self.epoch = epoch
        self.expected = expected
        self.action = action
        self.code = code
    }
}

extension QueueRepair {
    /// Of the record that goes along, if one does.
    package var bodyBytes: Int {
        switch action {
        case .push(let push): push.record.body.count
        case .rewrite(let record): record.body.count
        case .restore(let job, _): job.record.body.count
        default: 0
        }
    }
}
