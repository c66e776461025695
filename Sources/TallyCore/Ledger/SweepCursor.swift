/// How far a round of the continuous reconciler has come.
public enum SweepCursor: Hashable, Sendable {
    /// It has compared the ledger's live rows up to this one.
    case ledger(after: JobID)
    /// It has compared those, and the queue's jobs up to this cursor of `scan`.
    case queue(String)
}
