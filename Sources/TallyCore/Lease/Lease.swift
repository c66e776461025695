/// The right to run one job until `expiresAt`, by the queue's clock.
///
/// The token is (id, version, epoch): no two leases ever share it. `version` grows at each lease of the job and
/// `epoch` at each new Redis history, so (epoch, version) is the fencing number to hand to outside systems.
public struct Lease: Hashable, Sendable {
    public let id: JobID
    public let version: Int
    public let epoch: Int64
    public let expiresAt: Timestamp

    public init(id: JobID, version: Int, epoch: Int64, expiresAt: Timestamp) {
        self.id = id
        self.version = version
        self.epoch = epoch
        self.expiresAt = expiresAt
    }
}

/// Why a lease call changed nothing. Checked in this order.
public enum LeaseRefusal: Error, Hashable, Sendable {
    /// The job is not being processed: it waits, is terminal, or is unknown.
    case notProcessing
    /// The lease ran out; at exactly its expiry it has.
    case expired
    /// Another lease of the job is in force.
    case mismatch
}
