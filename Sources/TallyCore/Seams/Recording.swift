/// Keeps jobs before anybody is told that they are enqueued: for clients.
public protocol Recording: Sendable {
    /// Commits job rows, and for the new ones an outbox row a queue, in one transaction. Idempotent by id: a row that
    /// is there already answers `.exists`, a taken unique key `.duplicate`; neither writes anything.
    ///
    /// - Crash: before the commit nothing happened; after it the relay pushes what the client did not.
    /// - Repeat: answers `.exists` for a row that is there, and writes nothing.
    /// - Parameter together: all or none: where the id of one belongs to other content, nothing is written, and the
    ///   others answer `.withheld`.
    /// - Throws: `.refused` when the data of any one job was refused (nothing was written: retry one by one);
    ///   `.uncertain` when the commit's answer was lost.
    func record(_ jobs: [JobRecord], together: Bool) async throws(LedgerError) -> RecordReceipt

    /// What the ledger's clock shows: it judges ids and stamps creation.
    func clock() async throws(LedgerError) -> Timestamp
}

extension Recording {
    /// A ledger without a server shares this machine's clock.
    public func clock() async throws(LedgerError) -> Timestamp { .now }

    /// Each job on its own.
    public func record(_ jobs: [JobRecord]) async throws(LedgerError) -> RecordReceipt {
        try await record(jobs, together: false)
    }
}
