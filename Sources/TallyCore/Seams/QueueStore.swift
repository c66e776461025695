/// What opens one shard of the live half, or the whole where there is one: it gives its seams as one value. A store
/// value is one too, so that whoever needs a queue takes either.
public protocol QueueDriver: ShardedDriver {
    /// Its seams. Each use asks for them once.
    var store: QueueStore { get }
}

/// A shard of the live half as a value: one seam for each who uses it. What a driver may lack is optional here, so
/// whoever needs it sees that it can be missing. A test replaces the one seam that it disturbs.
///
/// The conformance kit in `TallyTesting` checks what the seams promise. A clock of a test is given to the driver when
/// it is made; in production the store's own clock counts.
public struct QueueStore: Sendable, QueueDriver {
    /// Which of the shards it is.
    public var part = ShardPart.whole
    /// What enqueues, and whatever else puts jobs in.
    public var enqueueing: any Enqueueing
    /// What workers do with jobs.
    public var leasing: any Leasing
    /// What follows the queue, such as the mirror.
    public var transitions: any TransitionLog
    /// What moves jobs that no worker holds.
    public var control: any QueueControl
    /// What an operator and the reconciler ask; without it neither does.
    public var inspection: (any QueueInspection)?
    /// What the reconciler changes; without it there is none.
    public var repair: (any QueueRepairing)?
    /// Of a queue that keeps a reconciler out whose lease is over; without it only the ledger does.
    public var fencing: (any QueueFencing)?
    /// Of a queue that keeps a job in several structures; without it their sweeps are left out.
    public var structures: (any QueueStructures)?
    /// Of a queue that tells which one it is; without it nothing keeps two queues of one ledger apart.
    public var pairing: (any QueuePairing)?
    /// Of a queue whose server may be set otherwise while it runs.
    public var verification: (any QueueVerification)?
    /// Of a queue whose keys a foreign hand can reach; without it nobody looks for what such a hand has left.
    public var foreignKeys: (any ForeignKeySearch)?
    /// Of a queue that knows which half keeps unique keys; without it the halves keep keys apart.
    public var keyHomes: (any QueueKeyHomes)?
    /// Of a queue that knows which record layout may be written; without it every one may.
    public var recordLayout: (any QueueRecordLayout)?
    /// Of a queue in which a waiting job can get another time or priority.
    public var changes: (any JobChanging)?
    /// Of a queue that can hold back the jobs of one type; without it only whole queues are paused.
    public var types: (any TypeControl)?
    /// Keeps how the duties fare where no ledger does.
    public var duties: (any DutyRegister)?
    /// New calls fail with `.closed` from now on; running ones end first. May be repeated.
    public var close: @Sendable () async -> Void

    /// The seams of a driver that serves all that each queue must; what it serves beyond is set afterwards.
    public init(
        _ driver: some Enqueueing & Leasing & TransitionLog & QueueControl,
        close: @escaping @Sendable () async -> Void
    ) {
        enqueueing = driver
        leasing = driver
        transitions = driver
        control = driver
        self.close = close
    }

    /// Itself.
    public var store: QueueStore { self }

    /// - Throws: `.unsupported` when the driver lacks it.
    package func inspectable() throws(QueueError) -> any QueueInspection {
        guard let inspection else {
            throw QueueError(.unsupported, "inspect", "this queue driver has no admin interface")
        }
        return inspection
    }
}
