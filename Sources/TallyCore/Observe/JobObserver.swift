/// What happens inside, for logs and metrics. Every method has an empty default; none may block.
public protocol JobObserver: Sendable {
    func jobStarted(_ job: ReservedJob, worker: WorkerID)
    func jobEnded(_ job: ReservedJob, worker: WorkerID, outcome: String, ran: Duration)
    /// A duty (worker loop, mirror, relay, reconciler, heartbeat) met an error and will try again.
    func dutyFailed(_ duty: String, _ error: any Error)
    /// The ledger has committed this batch.
    func mirrored(_ batch: MirrorBatch)
    /// A duty did something: `count` of what its name says.
    func dutyDid(_ duty: String, _ count: Int)
}

extension JobObserver {
    public func jobStarted(_ job: ReservedJob, worker: WorkerID) {}
    public func jobEnded(_ job: ReservedJob, worker: WorkerID, outcome: String, ran: Duration) {}
    public func mirrored(_ batch: MirrorBatch) {}
    public func dutyFailed(_ duty: String, _ error: any Error) {}
    public func dutyDid(_ duty: String, _ count: Int) {}
}

/// Observes nothing.
public struct SilentObserver: JobObserver {
    public init() {}
}
