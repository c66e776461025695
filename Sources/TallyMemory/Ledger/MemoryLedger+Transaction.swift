import TallyCore

extension MemoryLedger: LedgerTransactions {
    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws. Others see nothing of it
    /// before the commit. Whoever wants the same job id, unique key, effect or rows waits for its end; two that would
    /// wait for each other are told apart by a `.transient` error. It has no time limit.
    ///
    /// - Throws: what `body` throws, or `LedgerError`: `.transient` when a step of it had failed before.
    public func withTransaction<Value: Sendable>(
        _ body: (MemoryTransaction) async throws -> Value
    ) async throws -> Value {
        let value: Value
        do {
            value = try await inTransaction(body)
        } catch {
            // Whatever follows: what rolled it back is what its caller hears.
            _ = await tell(isCommitted: false)
            throw error
        }
        if let error = await tell(isCommitted: true) { throw error }
        return value
    }

    private func tell(isCommitted: Bool) async -> (any Error)? {
        guard let afterwards = afterwards.withLock({ $0 }) else { return nil }
        return await afterwards(isCommitted)
    }

    private func inTransaction<Value: Sendable>(
        _ body: (MemoryTransaction) async throws -> Value
    ) async throws -> Value {
        let id = try begin()
        let value: Value
        do {
            value = try await body(MemoryTransaction(ledger: self, id: id))
        } catch {
            rollback(id)
            throw error
        }
        try commit(id)
        return value
    }

    public func transaction<Value: Sendable>(
        _ body: (any LedgerTransaction) async throws -> Value
    ) async throws -> Value {
        try await withTransaction { (transaction: MemoryTransaction) in try await body(transaction) }
    }

    public func record(
        _ jobs: [JobRecord], in transaction: some LedgerTransaction
    ) async throws(LedgerError) -> RecordReceipt {
        try MemoryLedgerState.check(jobs)
        let id = try own(transaction, "record")
        return try await step("record", in: id, waitingFor: { _ in OpenTransactions.Lock.of(jobs) }) {
            shared, now in
            let after = shared.state.lastOutbox
            var view = shared.view(of: id)
            view.lastOutbox = after
            let receipt = view.record(jobs, at: now)
            // As a sequence: a rollback leaves a gap.
            shared.state.lastOutbox = view.lastOutbox
            shared.transactions[id]?.steps.append(.record(jobs, at: now, after: after))
            let new = zip(jobs, receipt.answers).filter { $1 == .recorded }.map(\.0)
            shared.transactions.lock(OpenTransactions.Lock.of(new), for: id)
            return receipt
        }
    }

    public func complete(
        _ lease: Lease, result: [UInt8], in transaction: some LedgerTransaction
    ) async throws(LedgerError) -> EffectAnswer {
        let id = try own(transaction, "complete")
        let lock = OpenTransactions.Lock.effect(lease.id)
        return try await step("complete", in: id, waitingFor: { $0.isStale(lease) ? [] : [lock] }) {
            shared, _ in
            let view = shared.view(of: id)
            if let committed = view.effects[lease.id] { return .committed(result: committed) }
            if view.isStale(lease) { return .stale }
            shared.transactions[id]?.steps.append(.effect(lease.id, result: result))
            shared.transactions.lock([lock], for: id)
            return .claimed
        }
    }

    public func committedEffect(of job: JobID) async throws(LedgerError) -> [UInt8]? {
        try run("effect") { state, _ in state.effects[job] }
    }

    private func own(_ transaction: some LedgerTransaction, _ operation: String) throws(LedgerError) -> Int {
        guard let transaction = transaction as? MemoryTransaction, transaction.ledger === self else {
            throw LedgerError(
                .unsupported, operation, "the transaction is not this ledger's: use its `withTransaction`")
        }
        return transaction.id
    }
}

extension MemoryLedger.Shared {
    /// The ledger as a transaction sees it.
    func view(of id: Int) -> MemoryLedgerState {
        var view = state
        for step in transactions[id]?.steps ?? [] { view.do(step) }
        return view
    }
}

extension MemoryLedgerState {
    /// The job has ended, or has a later lease.
    func isStale(_ lease: Lease) -> Bool {
        guard let job = rows[lease.id]?.job else { return false }
        return job.status.isTerminal || (job.epoch, job.version) > (lease.epoch, lease.version)
    }
}
