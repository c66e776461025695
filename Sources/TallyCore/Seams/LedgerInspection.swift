/// What an operator asks of the record. It changes nothing.
public protocol LedgerInspection: Sendable {
    /// The rows of these ids; absent rows are absent.
    func jobs(_ ids: [JobID]) async throws(LedgerError) -> [JobID: JobSnapshot]
    /// Every transition of an id, shard by shard, the oldest first: by epoch and place in the log. A requeue, which
    /// is in no log, begins its version, and an end that the ledger made first ends it. `JobHistory` makes that
    /// order.
    func events(_ id: JobID) async throws(LedgerError) -> [JobEvent]
    /// One page of rows.
    func list(_ query: JobQuery) async throws(LedgerError) -> JobPage
    /// What each worker last said.
    func workers() async throws(LedgerError) -> [WorkerRow]
    /// The totals.
    func balances() async throws(LedgerError) -> Balances
}
