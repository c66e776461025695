/// Changes rows before the queue hears of it: for operators and clients that cancel.
public protocol LedgerControl: Sendable {
    /// failed → pending at version + 1 (or scheduled, when `runAt` lies ahead), with event and outbox row, if the row
    /// is still failed at `version`.
    ///
    /// - Crash: row, event and outbox row are there together, or none of them; what is there the relay pushes.
    /// - Repeat: answers `.notFailed`, and changes nothing: the row is at a higher version.
    /// - Parameter despiteEffect: a job whose effect is committed is done; if it shall run again all the same, its
    ///   effect is forgotten.
    func requeue(
        _ id: JobID, seen version: Int, runAt: Timestamp?, resetAttempts: Bool, actor: String,
        despiteEffect: Bool
    ) async throws(LedgerError) -> RequeueAnswer

    /// Makes a non-terminal row `cancelled`, if its version is not above `version` and the cursor of the shard that
    /// its job is on stands in `epoch`.
    ///
    /// - Crash: the row is cancelled, with its event, or as it was.
    /// - Repeat: answers `.cancelled`, and changes nothing.
    func recordCancel(_ id: JobID, version: Int, epoch: Int64, shard: Shard) async throws(LedgerError)
        -> RecordCancelAnswer
}

extension LedgerControl {
    /// Of a job of the first shard, for where there is one.
    public func recordCancel(_ id: JobID, version: Int, epoch: Int64) async throws(LedgerError)
        -> RecordCancelAnswer
    {
        try await recordCancel(id, version: version, epoch: epoch, shard: .first)
    }

    /// Of a job without a committed effect.
    public func requeue(
        _ id: JobID, seen version: Int, runAt: Timestamp?, resetAttempts: Bool, actor: String
    ) async throws(LedgerError) -> RequeueAnswer {
        try await requeue(
            id, seen: version, runAt: runAt, resetAttempts: resetAttempts, actor: actor, despiteEffect: false)
    }
}
