/// A queue that tells which one it is.
public protocol QueuePairing: Sendable {
    /// Writes nothing of the pairing. Like every call it begins an epoch where one is due, and so tells the present
    /// one.
    func identity() async throws(QueueError) -> QueueIdentity
    /// Writes what is missing: the ledger that it belongs to (`ShardPart.pairedName`), and its own id. Says how it
    /// stands then: the first to come stays.
    ///
    /// - Crash: what is missing is written in one step, or not.
    /// - Repeat: changes nothing.
    func pair(ledger: String, id: String) async throws(QueueError) -> QueueIdentity
}

/// A ledger that knows its queues, one a shard.
public protocol LedgerPairing: Sendable {
    /// Which ledger this is; never changes.
    func identity() async throws(LedgerError) -> String
    /// Decides under a lock, and keeps what was decided: one after another, however many processes ask.
    ///
    /// - Crash: what was decided is kept whole, or not. A queue that was not told its id by then is given the same
    ///   one.
    /// - Repeat: keeps the same queue once more; one that has its id by then is `.known`.
    /// - Parameter isDry: only decides.
    func meet(_ identity: QueueIdentity, fresh: String, isAdopting: Bool, isDry: Bool)
        async throws(LedgerError)
        -> PairingVerdict
    /// How many shards this ledger has; the first to come stays, and whatever it was used with before was one.
    ///
    /// - Crash: it is decided or not; whoever asks next is answered so, or decides.
    /// - Repeat: answers what was decided.
    /// - Parameter isDry: only tells what it would be.
    func claimShards(_ count: Int, isDry: Bool) async throws(LedgerError) -> Int
    /// The namespace that this ledger belongs to; the first to come stays.
    ///
    /// - Crash: it is decided or not; whoever asks next is answered so, or decides.
    /// - Repeat: answers what was decided.
    func claimNamespace(_ name: String) async throws(LedgerError) -> String
}
