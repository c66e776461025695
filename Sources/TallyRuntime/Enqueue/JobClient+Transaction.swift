import TallyCore

// Enqueues beside the caller's own rows: both are there after the caller's commit, neither after a rollback.

extension JobClient {
    /// Enqueues one job as part of `transaction`: with its type's policy and the client's codec, through the same
    /// checks and the same middleware as outside of one, and always in mode recorded.
    ///
    ///     try await tally.withTransaction { transaction in
    ///         _ = try await transaction.query("INSERT INTO orders …", […])
    ///         try await client.enqueue(SendInvoice(order: 7), in: transaction)
    ///     }
    ///
    /// - Commit: from then on no crash loses the job. `tally serve` pushes it, within `Limits.relayAge` and a pass.
    /// - Rollback, or a crash before the commit: there is no job, and a unique key is as free as before.
    /// - Repeat: as outside of a transaction, an id or a unique key that is there already answers `existed`. Where
    ///   another transaction is about to take it, this call waits for its end.
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
        let made = try record(
            of: job, on: queue, at: runAt, priority: priority, unique: unique, id: id, tags: tags,
            trace: trace,
            headers: headers, tenant: tenant, limitKey: limitKey, notAfter: notAfter)
        return try await enqueue(made, in: transaction)
    }

    /// Enqueues jobs of one type as part of `transaction`, each under a new id. What is given beside them holds for
    /// each of them.
    ///
    /// - Returns: a receipt a job, in order; they count once `transaction` commits.
    /// - Throws: what the enqueue of records in a transaction throws.
    @discardableResult
    public func enqueue<J: Job>(
        contentsOf jobs: [J], in transaction: some LedgerTransaction, on queue: QueueName? = nil,
        at runAt: Timestamp? = nil, priority: JobPriority? = nil, tags: [String] = [], trace: String = "",
        headers: [String: [UInt8]] = [:], tenant: String? = nil, limitKey: String? = nil,
        notAfter: Timestamp? = nil
    ) async throws(EnqueueError) -> [Receipt] {
        var made: [JobRecord] = []
        for job in jobs {
            made.append(
                try record(
                    of: job, on: queue, at: runAt, priority: priority, unique: nil, id: JobID(), tags: tags,
                    trace: trace, headers: headers, tenant: tenant, limitKey: limitKey, notAfter: notAfter))
        }
        return try await enqueue(contentsOf: made, in: transaction)
    }

    /// Enqueues a job of any type by its record, as part of `transaction`.
    ///
    /// - Returns: the receipt, which counts once `transaction` commits.
    /// - Throws: what the enqueue of a `Job` in a transaction throws, with the same left behind.
    @discardableResult
    public func enqueue(
        _ record: JobRecord, in transaction: some LedgerTransaction
    ) async throws(EnqueueError) -> Receipt {
        try await enqueue(contentsOf: [record], in: transaction)[0]
    }

    /// Enqueues all of them as part of `transaction`. A job that is there already under its id or its unique key
    /// is no refusal; its receipt says `existed`.
    ///
    /// - Returns: a receipt a job, in order; they count once `transaction` commits.
    /// - Throws: what the enqueue of one throws, for the first that was refused. After `.idConflict`,
    ///   `.keysElsewhere` or `.layoutNotRaised` the others are part of the transaction: roll it back, as
    ///   `withTransaction` does when the error passes through it, and none is there.
    @discardableResult
    public func enqueue(
        contentsOf records: [JobRecord], in transaction: some LedgerTransaction
    ) async throws(EnqueueError) -> [Receipt] {
        if records.isEmpty { return [] }
        if chain.isEmpty { return try await send(records, in: transaction) }
        let call = EnqueueCall(records: records, durability: .recorded, isInTransaction: true)
        return try await chain.pass(call) { (call) throws(EnqueueError) in
            try await send(call.records, in: transaction)
        }
    }

    /// No push follows: the client does not see the commit. The relay does, by the outbox rows.
    private func send(
        _ records: [JobRecord], in transaction: some LedgerTransaction
    ) async throws(EnqueueError) -> [Receipt] {
        for record in records { try check(record) }
        guard let transactions else {
            throw .refused("an enqueue in a transaction needs a ledger that takes part in it")
        }
        try await claimKeys(of: records)
        let receipt: RecordReceipt
        do {
            receipt = try await transactions.record(records, in: transaction)
        } catch {
            throw EnqueueError(error, records[0].id)
        }
        return try zip(records, receipt.answers).map { $1.receipt(of: $0) }.receipts()
    }
}
