/// Puts right in a queue what the reconciler found.
public protocol QueueRepairing: Sendable {
    /// Up to `Limits.sweepPerCall` repairs, one after another: each moves its job only while that is still as
    /// `expected` says, whatever becomes of the others. Says which were made.
    func repair(_ repairs: [QueueRepair]) async throws(QueueError) -> [Bool]
}

extension QueueRepairing {
    /// One alone.
    public func repair(_ repair: QueueRepair) async throws(QueueError) -> Bool {
        try await self.repair([repair])[0]
    }
}

/// A queue that takes repairs from whoever holds the lease to repair alone.
public protocol QueueFencing: Sendable {
    /// From now on a repair that carries another token is refused and changes nothing; one without any is taken.
    func fence(_ token: JobID) async throws(QueueError)
}

/// What the reconciler asks of a queue that keeps a job in several structures, and mends there. A driver may lack it:
/// sweeps that need it are then left out.
public protocol QueueStructures: Sendable {
    /// The queue's own account, and how far its log reaches.
    func survey() async throws(QueueError) -> QueueSurvey
    /// Adds what was seen missing to what the epoch began with, if it is still missing.
    func correctSurvey(_ missing: Int) async throws(QueueError) -> Bool

    /// The queues that have jobs in a structure.
    func queueNames() async throws(QueueError) -> [QueueName]
    /// A step through one structure. What stands in it throughout is met, perhaps twice. `next` nil at the end.
    func walk(_ structure: QueueStructure, _ cursor: String, limit: Int) async throws(QueueError)
        -> (places: [PlaceFound], next: String?)
    /// Of each job in one step: whether it stands where its state says, and nowhere else. One that is no longer as it
    /// was seen, or seen in another epoch, answers no code.
    func check(_ jobs: [(place: QueuePlace, seen: PlaceVerdict)], epoch: Int64) async throws(QueueError)
        -> [JobID: PlaceVerdict]
    /// Puts one right that does not, while it is as `verdict` says.
    func mend(_ place: QueuePlace, _ verdict: PlaceVerdict, epoch: Int64) async throws(QueueError) -> Bool

    /// What workers last said of themselves; the words are opaque, and stand for themselves in a compare-and-set.
    func roster(_ cursor: String, limit: Int) async throws(QueueError)
        -> (workers: [(id: WorkerID, words: [UInt8])], next: String?)
    /// Tells it to the ledger again.
    func tell(_ worker: WorkerID, words: [UInt8]) async throws(QueueError) -> Bool
    /// Lets go of what a worker said, if these are still its words.
    func forget(_ worker: WorkerID, words: [UInt8]) async throws(QueueError) -> Bool

    /// Unique keys that last until their job ends, and whose job the queue does not hold.
    func leakedKeys(_ cursor: String, limit: Int) async throws(QueueError) -> (
        keys: [LeakedKey], next: String?
    )
    /// Drops, of about `limit` keys from `cursor` on, those whose time is over; `next` nil at the end.
    func pruneKeys(_ cursor: String, limit: Int) async throws(QueueError) -> (pruned: Int, next: String?)
    /// Frees it, if it is still leaked.
    func freeKey(_ key: LeakedKey) async throws(QueueError) -> Bool
}
