/// What happens inside, for logs and metrics. Every method has an empty default; none may block.
public protocol JobObserver: Sendable {
    /// A handler is about to run. It may be the second time for one attempt: a lease can run out under a worker.
    func jobStarted(_ job: ReservedJob, worker: WorkerID)
    /// A run has ended. `outcome` is the job's status as the queue answered it, `lease lost`, or begins with
    /// `refused:` or `unknown:` and says why; `ran` is how long the handler took.
    func jobEnded(_ job: ReservedJob, worker: WorkerID, outcome: String, ran: Duration)
    /// A duty (worker loop, mirror, relay, reconciler, heartbeat) met an error and will try again.
    func dutyFailed(_ duty: String, _ error: any Error)
    /// The ledger has committed this batch.
    func mirrored(_ batch: MirrorBatch)
    /// A duty did something: `count` of what its name says.
    func dutyDid(_ duty: String, _ count: Int)
    /// This machine's clock is `skew` ahead of the store's, or behind it where that is negative. The store's decides;
    /// told once a client.
    func clockDiffers(by skew: Duration)
}

extension JobObserver {
    /// Nothing is done, so a conformance writes only the methods that it wants. It is called on the task of
    /// the run, before the handler: what waits here holds that up.
    public func jobStarted(_ job: ReservedJob, worker: WorkerID) {}
    /// Nothing is done. It is called for each run that has ended, and, with `ran` zero, for a job that no
    /// handler or codec of the worker fits, though its run never began.
    public func jobEnded(_ job: ReservedJob, worker: WorkerID, outcome: String, ran: Duration) {}
    /// Nothing is done. A batch whose commit lost its answer is not told, though the ledger may have it.
    public func mirrored(_ batch: MirrorBatch) {}
    /// Nothing is done: outages go by unseen until a conformance writes this one. The duty goes on either
    /// way.
    public func dutyFailed(_ duty: String, _ error: any Error) {}
    /// Nothing is done. It is called for a `count` of 1 or more: a step that found no work is not told.
    public func dutyDid(_ duty: String, _ count: Int) {}
    /// Told as a failure, so that a log that shows these shows it.
    public func clockDiffers(by skew: Duration) { dutyFailed("clock", ClockDiffers(skew: skew)) }
}

/// Why ids that this machine makes may be refused.
public struct ClockDiffers: Error, Hashable, Sendable, CustomStringConvertible {
    /// How far this machine's clock is ahead of the store's; negative where it is behind.
    public let skew: Duration
    /// The difference that a client has measured.
    public init(skew: Duration) { self.skew = skew }
    public var description: String {
        "this machine's clock is \(skew < .zero ? .zero - skew : skew) \(skew < .zero ? "behind" : "ahead of") the "
            + "store's, which decides; set it by NTP"
    }
}

/// Observes nothing.
public struct SilentObserver: JobObserver {
    /// An observer for whoever wants to watch nothing.
    public init() {}
}
