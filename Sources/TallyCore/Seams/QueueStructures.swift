/// What the reconciler asks of a queue that keeps a job in several structures, and mends there: one seam for each
/// sweep. Every change says what it expects, so that a repeat, or a crash between asking and mending, changes nothing
/// twice. A driver may lack them: the sweeps that need them are then left out.
public typealias QueueStructures = QueueAccount & StructureRepair & RosterRepair & QueueKeyRepair

/// Of a queue that counts what entered and left it.
public protocol QueueAccount: Sendable {
    /// The queue's own account, and how far its log reaches.
    func survey() async throws(QueueError) -> QueueSurvey
    /// Adds what was seen missing to what the epoch began with, if it is still missing.
    ///
    /// - Crash: the account is put right, and in the log, or neither.
    /// - Repeat: finds the account right, and changes nothing.
    func correctSurvey(_ missing: Int) async throws(QueueError) -> Bool
}

/// Of a queue in which a job's state says where it must stand.
public protocol StructureRepair: Sendable {
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
    ///
    /// - Crash: the job is put right, and in the log, or neither.
    /// - Repeat: finds nothing wrong with what was mended, and writes nothing.
    func mend(_ place: QueuePlace, _ verdict: PlaceVerdict, epoch: Int64) async throws(QueueError) -> Bool
}

/// Of a queue that keeps what workers last said of themselves.
public protocol RosterRepair: Sendable {
    /// What workers last said of themselves; the words are opaque, and stand for themselves in a compare-and-set.
    func roster(_ cursor: String, limit: Int) async throws(QueueError)
        -> (workers: [(id: WorkerID, words: [UInt8])], next: String?)
    /// Tells it to the ledger again.
    ///
    /// - Crash: an answer that was lost loses only the word that it was done.
    /// - Repeat: appends one more entry with the same words.
    func tell(_ worker: WorkerID, words: [UInt8]) async throws(QueueError) -> Bool
    /// Lets go of what a worker said, if these are still its words.
    ///
    /// - Crash: the words are gone, or as they were.
    /// - Repeat: answers false.
    func forget(_ worker: WorkerID, words: [UInt8]) async throws(QueueError) -> Bool
}

/// Of a queue that keeps unique keys.
public protocol QueueKeyRepair: Sendable {
    /// Unique keys that last until their job ends, and whose job the queue does not hold.
    func leakedKeys(_ cursor: String, limit: Int) async throws(QueueError) -> (
        keys: [LeakedKey], next: String?
    )
    /// Drops, of about `limit` keys from `cursor` on, those whose time is over; `next` nil at the end.
    ///
    /// - Crash: what was dropped stays so; go on from the cursor that was asked with.
    /// - Repeat: finds less.
    func pruneKeys(_ cursor: String, limit: Int) async throws(QueueError) -> (pruned: Int, next: String?)
    /// Frees it, if it is still leaked.
    ///
    /// - Crash: the key is free, and in the log, or still leaked.
    /// - Repeat: answers false.
    func freeKey(_ key: LeakedKey) async throws(QueueError) -> Bool
}
