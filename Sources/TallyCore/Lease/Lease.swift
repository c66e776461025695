/// The right to run one job until `expiresAt`, by the queue's clock.
///
/// The token is (id, version, epoch): no two leases ever share it. `version` grows at each lease of the job and
/// `epoch` at each new Redis history, so (epoch, version) is the fencing number to hand to outside systems.
public struct Lease: Hashable, Sendable {
    /// The job that may be run.
    public let id: JobID
    /// The job's version by this lease: one more than before it.
    public let version: Int
    /// The Redis history in which it was given. The lease stays valid where a new history begins.
    public let epoch: Int64
    /// From this moment on, by the queue's clock, it is over and another worker may have the job.
    public let expiresAt: Timestamp
    /// Where it was given, and where it is settled.
    public let shard: Shard

    /// A lease out of a store's answer; one that is made up is refused by the store.
    public init(id: JobID, version: Int, epoch: Int64, expiresAt: Timestamp, shard: Shard = .first) {
        self.shard = shard
        self.id = id
        self.version = version
        self.epoch = epoch
        self.expiresAt = expiresAt
    }
}

/// Why a lease call changed nothing. Checked in this order.
public enum LeaseRefusal: Error, Hashable, Sendable {
    /// The job waits, has ended, or is not in the queue. Asking again changes nothing.
    case notProcessing
    /// The lease ran out; at exactly its expiry it has. Another worker gets the job, so nothing more may be reported
    /// of it.
    case expired
    /// Another lease of the job is in force. Its holder reports of the job; this one may not.
    case mismatch
}
