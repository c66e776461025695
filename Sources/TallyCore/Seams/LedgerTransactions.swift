/// Records and completes jobs inside the caller's own transaction: for clients and handlers. A driver may lack it.
public protocol LedgerTransactions: Sendable {
    /// Runs `body` in a transaction of this ledger: committed when it returns, rolled back when it throws. It ends
    /// with `body`; used later, it throws.
    ///
    /// - Crash: before the commit nothing is left. A commit whose answer was lost stands whole, or left nothing.
    /// - Repeat: runs `body` again; a job recorded under the same id, and the effect of a lease, are there once.
    /// - Throws: what `body` throws, or `LedgerError`; `.uncertain` when the answer to the commit was lost,
    ///   `.transient` when a step of it had failed before, even if `body` caught that.
    func transaction<Value: Sendable>(
        _ body: (any LedgerTransaction) async throws -> Value
    ) async throws -> Value

    /// `record`, as part of `transaction`: nothing is visible, and nothing is pushed, before that commits. The relay
    /// then takes the jobs to the queue; or the caller pushes them and finishes the receipt's outbox row.
    ///
    /// - Crash: as that of `transaction`. Once it is committed, the relay pushes what the caller did not.
    /// - Repeat: answers `.exists` for a row that is there, and writes nothing.
    /// - Throws: what the transaction threw, as a `LedgerError`; the caller's transaction is then to be rolled back.
    func record(_ jobs: [JobRecord], in transaction: some LedgerTransaction) async throws(LedgerError)
        -> RecordReceipt

    /// Marks the effect of `lease` as done, as part of `transaction`. Once that commits, the job counts as completed:
    /// a worker that is handed it later, and the reconciler, only report so.
    ///
    /// A concurrent attempt that claimed first makes this one wait for its commit or rollback.
    ///
    /// - Crash: as that of `transaction`. Once it is committed, the job is never run again.
    /// - Repeat: answers `.committed` once an effect is, and writes nothing.
    /// - Throws: what the transaction threw, as a `LedgerError`; the caller's transaction is then to be rolled back.
    func complete(_ lease: Lease, result: [UInt8], in transaction: some LedgerTransaction)
        async throws(LedgerError) -> EffectAnswer

    /// The result stored with the job's committed effect, empty if none was; nil if no effect is committed.
    func committedEffect(of job: JobID) async throws(LedgerError) -> [UInt8]?
}
