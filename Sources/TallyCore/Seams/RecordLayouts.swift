/// A queue that knows which layout of records may be written there: 1, or 2 for a job with headers, a tenant, a limit
/// key or not-after.
///
/// It is 1 until somebody says that every program which uses the queue reads the other (`tally migrate
/// --record-layout 2`), and never falls but with the queue's data. An older program that met a newer record would
/// take it for damaged, and fail its job; so from then on the queue refuses older programs.
public protocol QueueRecordLayout: Sendable {
    /// What may be written now.
    func recordLayout() async throws(QueueError) -> Int
    /// Lets this layout be written; a lower one than now changes nothing. May be repeated.
    ///
    /// - Crash: it is raised or not; whoever opens both halves raises it to the ledger's.
    /// - Repeat: changes nothing.
    func raiseRecordLayout(to layout: Int) async throws(QueueError)
}

/// The same of the ledger, which keeps it beyond a loss of the queue's data.
public protocol LedgerRecordLayout: Sendable {
    /// What may be recorded now.
    func recordLayout() async throws(LedgerError) -> Int
    /// Lets this layout be recorded; a lower one than now changes nothing. May be repeated.
    ///
    /// - Crash: it is raised or not; it goes before the queue's, which follows it.
    /// - Repeat: changes nothing.
    func raiseRecordLayout(to layout: Int) async throws(LedgerError)
}
