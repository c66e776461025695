import TallyCore
import TallyPostgresClient

extension PostgresLedger {
    /// One transaction: a crash leaves row, event and outbox row together or none of them. A repeat after
    /// `.uncertain` whose first try was committed answers `.notFailed`, and changes nothing.
    ///
    /// - Throws: `.invalid`, with nothing sent, for a `runAt` before 1970 or over ten years ahead;
    ///   `.transient` where somebody's transaction keeps the row or its key for longer than
    ///   `Limits.lockWait`.
    public func requeue(
        _ id: JobID, seen version: Int, runAt: Timestamp?, resetAttempts: Bool, actor: String,
        despiteEffect: Bool
    ) async throws(LedgerError) -> RequeueAnswer {
        // By this server's clock: this machine's may be wrong.
        if runAt != nil, let problem = JobRules.runAtProblem(runAt, from: try await clock()) {
            throw LedgerError(.invalid, "requeue", "\(problem)")
        }
        return try await pool.run("requeue") { connection throws(LedgerError) in
            var parameters = Parameters()
            parameters.id(id)
            parameters.int(Int64(version))
            parameters.time(runAt)
            parameters.int(resetAttempts ? 1 : 0)
            parameters.text(actor)
            parameters.int(despiteEffect ? 1 : 0)
            // Its key may stand in somebody's open transaction: what is locked by then must not wait for that.
            let rows = try connection.transaction { () throws(LedgerError) in
                try connection.run(
                    .lockTimeout, Parameters([.text(PostgresConnection.milliseconds(Limits.lockWait))]))
                return try connection.run(.requeue, parameters)
            }
            guard rows.int(0, 0) == 1 else { return .notFound }
            if let version = rows.int(0, 1) { return .requeued(version: Int(version)) }
            if rows.int(0, 3) == 1 { return .effectCommitted }
            // Another one's requeue was first, and has decided what it is now.
            if rows.int(0, 4) == 1 { return .notFailed(.pending) }
            return .notFailed(try rows.status(0, 2))
        }
    }

    /// A row that is cancelled already answers `.cancelled`: the question is what the ledger says, not who made it
    /// say so.
    public func recordCancel(
        _ id: JobID, version: Int, epoch: Int64, shard: Shard
    ) async throws(LedgerError) -> RecordCancelAnswer {
        try await pool.run("record cancel") { connection throws(LedgerError) in
            // The mirror waits for the cursor's row meanwhile, so nothing is waited for that a client may hold.
            let rows = try connection.transaction { () throws(LedgerError) in
                try connection.run(
                    .lockTimeout, Parameters([.text(PostgresConnection.milliseconds(Limits.lockWait))]))
                return try connection.run(
                    .cancel,
                    Parameters([
                        .id(id), .int(Int64(version)), .int(epoch), .text("client"),
                        .int(Int64(shard.number)),
                    ]))
            }
            guard rows.int(0, 0) == 1 else { return .notFound }
            if rows.int(0, 1) == 1 { return .cancelled }
            let status = try rows.status(0, 2)
            if status == .cancelled { return .cancelled }
            return status.isTerminal ? .ended(status) : .raced
        }
    }
}
