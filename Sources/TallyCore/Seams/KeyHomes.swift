/// A queue that knows which half keeps the unique keys of each queue. Without one the halves keep keys apart.
public protocol QueueKeyHomes: Sendable {
    /// The ledger is about to record these jobs, each with a unique key. Answers which half keeps the keys of each.
    func claimKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyHome]
    /// The ledger has recorded these jobs, each with a unique key, and nobody asked here before.
    func takeKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyTaking]
    /// Where this queue lost its data: what the ledger knows of it. What stands here stays.
    func restore(_ homes: [QueueName: KeyHome]) async throws(QueueError)
}

/// A ledger that knows it too: the queue's word arrives with its log.
public protocol LedgerKeyHomes: Sendable {
    /// Queues with unique keys after this one, in order of their names, at most `limit`.
    func keyHomes(after queue: QueueName?, limit: Int) async throws(LedgerError) -> [(
        queue: QueueName, home: KeyHome
    )]
}
