import TallyCore
import TallyRuntime

extension Tally {
    /// Enqueues one job as part of `transaction`, together with your own rows: both are there after its commit,
    /// neither after a rollback. With its type's policy, through the checks and the middleware of every enqueue, and
    /// always in mode recorded.
    ///
    ///     try await tally.withTransaction { transaction in
    ///         _ = try await transaction.query("INSERT INTO orders …", […])
    ///         try await tally.enqueue(SendInvoice(order: 7), in: transaction)
    ///     }
    ///
    /// - Commit: from then on no crash loses the job. `tally serve` pushes it, within `Limits.relayAge` and a pass.
    /// - Rollback, or a crash before the commit: there is no job, and a unique key is as free as before.
    /// - Repeat: an id or a unique key that is there already answers `existed`. Where another transaction is about to
    ///   take it, this call waits for its end.
    ///
    /// The other parameters are those of `enqueue(_:on:at:…)`.
    ///
    /// - Parameter transaction: of the ledger's database: one of `withTransaction`, or of any Postgres client whose
    ///   transactions conform to `LedgerTransaction`.
    /// - Returns: the receipt, which counts once `transaction` commits.
    /// - Throws: `.invalid`, `.refused`, `.idConflict`, `.keysElsewhere` or `.layoutNotRaised`: the job is not
    ///   part of `transaction`, and the same call will not succeed before what the error names is changed.
    /// - Throws: `.unavailable`, or `.uncertain` from a client that cannot tell: the transaction has failed. Roll it
    ///   back and begin it anew; the same id may be used. `.cancelled`, where the calling task was: roll it back.
    @discardableResult
    public func enqueue<J: Job>(
        _ job: J, in transaction: some LedgerTransaction, on queue: QueueName? = nil,
        at runAt: Timestamp? = nil, priority: JobPriority? = nil, unique: UniqueKey? = nil,
        id: JobID = JobID(),
        tags: [String] = [], trace: String = "", headers: [String: [UInt8]] = [:], tenant: String? = nil,
        limitKey: String? = nil, notAfter: Timestamp? = nil
    ) async throws(EnqueueError) -> Receipt {
        try await client.enqueue(
            job, in: transaction, on: queue, at: runAt, priority: priority, unique: unique, id: id,
            tags: tags,
            trace: trace, headers: headers, tenant: tenant, limitKey: limitKey, notAfter: notAfter)
    }

    /// Enqueues jobs of one type as part of `transaction`, each under a new id. What is given beside them holds for
    /// each of them. Records of several types, or with keys of their own: `client.enqueue(contentsOf:in:)`.
    ///
    /// - Returns: a receipt a job, in order; they count once `transaction` commits.
    /// - Throws: what the enqueue of one in a transaction throws. Let it pass through `withTransaction`, and none of
    ///   them is there.
    @discardableResult
    public func enqueue<J: Job>(
        contentsOf jobs: [J], in transaction: some LedgerTransaction, on queue: QueueName? = nil,
        at runAt: Timestamp? = nil, priority: JobPriority? = nil, tags: [String] = [], trace: String = "",
        headers: [String: [UInt8]] = [:], tenant: String? = nil, limitKey: String? = nil,
        notAfter: Timestamp? = nil
    ) async throws(EnqueueError) -> [Receipt] {
        try await client.enqueue(
            contentsOf: jobs, in: transaction, on: queue, at: runAt, priority: priority, tags: tags,
            trace: trace,
            headers: headers, tenant: tenant, limitKey: limitKey, notAfter: notAfter)
    }
}
