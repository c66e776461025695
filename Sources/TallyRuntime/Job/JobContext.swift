import Synchronization
import TallyCore

/// What a running job may know and do.
public final class JobContext: Sendable {
    public let id: JobID
    public let type: JobType
    public let queue: QueueName
    /// 1 for the first attempt. Lapsed leases and releases do not count.
    public let attempt: Int
    public let crashes: Int
    public let uniqueKey: String?
    /// Grows strictly from lease to lease, also across a loss of Redis' data: hand both to outside systems that can
    /// refuse a writer with a smaller pair.
    public let fence: (epoch: Int64, version: Int)
    public let tags: [String]
    public let trace: String
    public let body: [UInt8]
    public let worker: WorkerID

    private let lease: Lease
    private let ledger: (any TransactionalLedger)?
    private let codec: any JobCodec
    private let state = Mutex<(result: [UInt8], hasClaimed: Bool)>(([], false))

    init(
        _ job: ReservedJob, worker: WorkerID, codec: any JobCodec, ledger: (any TransactionalLedger)? = nil
    ) {
        lease = job.lease
        self.ledger = ledger
        id = job.record.id
        type = job.record.type
        queue = job.record.queue
        attempt = job.attempts + 1
        crashes = job.crashes
        uniqueKey = job.record.unique?.text
        fence = (job.lease.epoch, job.lease.version)
        tags = job.record.tags
        trace = job.record.trace
        body = job.record.body
        self.worker = worker
        self.codec = codec
    }

    /// Stores a result with the completion; the last call counts.
    public func complete(with value: some Encodable) throws { try complete(bytes: codec.encode(value)) }

    public func complete(bytes: [UInt8]) throws {
        if bytes.count > Limits.resultBytes {
            throw JobError.final(
                "the result has \(bytes.count) bytes; at most \(Limits.resultBytes) are kept")
        }
        state.withLock { $0.result = bytes }
    }

    /// Completes the job together with the rows that `transaction` writes: both are committed, or neither. However
    /// often the job is delivered, by a lapsed lease, a lost reply or a Redis rebuilt from the ledger, one commit
    /// wins. Call it first or last in the transaction; commit, and return. Follow-up jobs recorded in the same
    /// transaction are part of it.
    ///
    ///     try await ledger.withTransaction { transaction in
    ///         try await transaction.query("UPDATE …", […])
    ///         try await context.complete(in: transaction)
    ///     }
    ///
    /// An attempt that was first makes this one wait until it has committed or rolled back. After a lost reply to the
    /// commit let the error pass: the next attempt finds out.
    ///
    /// - Throws: `JobError.alreadyCompleted` and `.stale`, to be let through: this transaction must roll back;
    ///   `JobError.final` on a worker without a ledger; `LedgerError` when the transaction failed.
    public func complete(in transaction: some LedgerTransaction) async throws {
        guard let ledger else {
            throw JobError.final(
                "complete(in:) needs a worker that knows the ledger: set TALLY_POSTGRES_URL for it")
        }
        let result = state.withLock { state in
            state.hasClaimed = true
            return state.result
        }
        switch try await ledger.complete(lease, result: result, in: transaction) {
        case .claimed: return
        case .committed(let result): throw JobError.alreadyCompleted(result: result)
        case .stale: throw JobError.stale
        }
    }

    /// The same, with a result.
    public func complete(with value: some Encodable, in transaction: some LedgerTransaction) async throws {
        try complete(with: value)
        try await complete(in: transaction)
    }

    var result: [UInt8] { state.withLock { $0.result } }

    /// What a failed attempt really means. Its effect may be committed all the same: then the job is completed,
    /// whatever was thrown afterwards. While the ledger cannot say, the job must not end in any other way.
    func verdict(on error: any Error) async -> Result<[UInt8], any Error> {
        if case JobError.alreadyCompleted(let result) = error { return .success(result) }
        guard state.withLock({ $0.hasClaimed }), let ledger else { return .failure(error) }
        do {
            return try await ledger.committedEffect(of: id).map { .success($0) } ?? .failure(error)
        } catch {
            return .failure(JobError.snooze(Limits.backoffBase))
        }
    }
}
