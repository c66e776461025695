/// A queue that can hold back the jobs of one type, wherever they wait, while it hands out what else waits there.
public protocol TypeControl: Sendable {
    /// The jobs of a paused type are not leased, whichever queue they wait in; those that run go on, and everything
    /// else goes on. Once the type goes on, what waited stands before all that came since. At most
    /// `Limits.pausedTypes` are paused at a time.
    ///
    /// - Crash: the type is paused or not. Of one that goes on, what has waited may still be parked: ask again, or
    ///   let workers reserve from its queues, which brings back some of it each time.
    /// - Repeat: changes nothing.
    /// - Throws: `.invalid` for a blank name, and where too many are paused.
    func pauseType(_ type: JobType, _ paused: Bool) async throws(QueueError)
    /// The types that are paused, in the order in which they were.
    func pausedTypes() async throws(QueueError) -> [JobType]
}
