/// What an operator and the reconciler ask of a queue. It changes nothing.
public protocol QueueInspection: Sendable {
    /// The jobs that the queue holds; nil where it does not hold the id. `ended` tells of a tombstone.
    ///
    /// - Parameter bodies: what is read and answered of the records' bodies; a look that omits them costs the same
    ///   whatever they weigh.
    func inspect(_ ids: [JobID], bodies: QueueView.Bodies) async throws(QueueError) -> QueueView
    /// Counts by queue.
    func counts() async throws(QueueError) -> [QueueCounts]
    /// Up to about `limit` held ids from `cursor` on ("" = the start); `next` nil at the end. An id may come twice.
    func scan(_ cursor: String, limit: Int) async throws(QueueError) -> (ids: [JobID], next: String?)
}

extension QueueInspection {
    /// The jobs with their bodies.
    public func inspect(_ ids: [JobID]) async throws(QueueError) -> QueueView {
        try await inspect(ids, bodies: .included)
    }
}

/// A queue whose keys a foreign hand can reach.
public protocol ForeignKeySearch: Sendable {
    /// The keys over which such a hand has written. It changes nothing.
    ///
    /// - Parameter withAside: also what went aside, until somebody takes it away.
    func foreignKeys(withAside: Bool) async throws(QueueError) -> [ForeignKey]
    /// As `QueueInspection.scan`, with what stands among the records under a name that is no job's id: of each page
    /// some of it.
    func scanRecords(_ cursor: String, limit: Int) async throws(QueueError)
        -> (ids: [JobID], foreign: [ForeignKey], next: String?)
    /// A step through whatever else the queue keeps by ids: what stands there under a name that is no job's id, of
    /// each page some of it. `next` nil at the end. A driver that lacks it has none to tell.
    func scanFields(_ cursor: String, limit: Int) async throws(QueueError)
        -> (foreign: [ForeignKey], next: String?)
}

extension ForeignKeySearch {
    /// Nothing: the driver keeps nothing else by ids, or knows of no other hand that reaches it.
    public func scanFields(
        _ cursor: String, limit: Int
    ) async throws(QueueError) -> (foreign: [ForeignKey], next: String?) { ([], nil) }
}

/// A queue whose server may be set otherwise while it runs, such as to throw jobs away when memory is short.
public protocol QueueVerification: Sendable {
    /// Checks the server as at the first connection.
    ///
    /// - Throws: `.wrongServer` with what to change.
    func verify() async throws(QueueError)
}
