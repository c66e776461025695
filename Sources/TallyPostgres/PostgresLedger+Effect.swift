import TallyCore
import TallyPostgresClient

extension PostgresLedger {
    /// One or two statements of `transaction`. They wait for another attempt's commit as long as that
    /// transaction may; a crash before its own commit leaves no effect. An empty `result` stores none.
    ///
    /// - Throws: a foreign client's error as `.transient`, by its type alone, since its text may quote what
    ///   was sent; a `CancellationError` as `.cancelled`. The transaction is to be rolled back.
    public func complete(
        _ lease: Lease, result: [UInt8], in transaction: some LedgerTransaction
    ) async throws(LedgerError) -> EffectAnswer {
        try await Self.within(transaction, "complete") {
            let mine = try await transaction.query(
                statements[.claimEffect],
                [
                    .id(lease.id), .int(lease.epoch), .int(Int64(lease.version)),
                    .text("\(lease.epoch)-\(lease.version)"), result.isEmpty ? .null : .bytes(result),
                ])
            if !mine.isEmpty { return .claimed }
            let first = try await transaction.query(statements[.committedEffect], [.id(lease.id)])
            return Self.result(first).map { .committed(result: $0) } ?? .stale
        }
    }

    /// It sees commits alone: nil while the transaction that claimed the effect is still open. A crash after
    /// that commit takes nothing from the answer.
    public func committedEffect(of job: JobID) async throws(LedgerError) -> [UInt8]? {
        Self.result(
            try await pool.run("effect") { [statements] connection throws(LedgerError) in
                try connection.values(statements[.committedEffect], [.id(job)], .none)
            })
    }

    private static func result(_ rows: [[LedgerValue]]) -> [UInt8]? {
        guard let row = rows.first else { return nil }
        if case .bytes(let bytes)? = row.first { return bytes }
        return []
    }

    /// Steps in a transaction of the caller's, whose client may throw anything.
    static func within<Value>(
        _ transaction: some LedgerTransaction, _ operation: String, _ body: () async throws -> Value
    ) async throws(LedgerError) -> Value {
        do {
            return try await body()
        } catch let error as LedgerError {
            throw error
        } catch is CancellationError {
            throw LedgerError(.cancelled, operation)
        } catch {
            // A foreign client's error may quote what was sent: only its type is repeated.
            throw LedgerError(
                .transient, operation, "the caller's transaction failed: \(type(of: error))")
        }
    }
}
