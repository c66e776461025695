/// A queue in which a waiting job can get another time or priority.
public protocol JobChanging: Sendable {
    /// A scheduled, pending or retrying job waits from now on for `runAt`, or under `priority`, at the next version;
    /// its attempts, crashes and key stay. A reserve that comes first wins: then it runs. It is one step of the log.
    ///
    /// - Crash: the job waits as before or as wanted; where the answer was lost, repeat it.
    /// - Repeat: moves it once more, to the same time and priority, at one more version.
    /// - Parameter runAt: a time that has passed makes it runnable, one beyond the calendar is its end; nil leaves
    ///   its time.
    /// - Parameter priority: it goes behind those that wait under it; nil leaves it.
    /// - Throws: `.invalid` where neither is given, and for a time at which a job that has not begun may not begin
    ///   any more, by its not-after: such an end stays in force whatever is changed. `.full` while the log is, as of
    ///   a push; nothing was changed.
    func change(
        _ id: JobID, runAt: Timestamp?, priority: JobPriority?
    ) async throws(QueueError) -> ChangeAnswer
}

/// What became of a change. Only `changed` changed anything.
public enum ChangeAnswer: Hashable, Sendable {
    /// It waits now so, at this version.
    case changed(JobStatus, version: Int)
    /// It is leased to a worker.
    case processing(version: Int)
    /// It has ended.
    case ended(JobStatus)
    /// The queue does not hold it, and remembers no end of it.
    case unknown
    /// It kept moving between the look at it and the change: ask again.
    case raced
}
