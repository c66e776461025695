extension Limits {
    // Postgres.
    /// Connections of one process: enough for two group commits and a read beside them, few enough for hundreds of
    /// processes.
    public static let poolConnections = 4
    /// Redis servers that a ledger remembers of one shard, its own and those that gave way to it: by these one that
    /// comes back is known, and there is one more only where a Redis was replaced.
    public static let knownQueues = 100
    public static let poolWait: Duration = .seconds(5)  // for one to be free; then the caller is told
    /// A connection unused for so long is closed: each is a process of the server.
    public static let poolIdle: Duration = .seconds(300)
    /// Between tries to connect: a server that is back is found at once.
    public static let reopenCap: Duration = .milliseconds(500)
    /// For the push after a commit: what it does not do the relay does.
    public static let pushBudget: Duration = .milliseconds(200)
    public static let recountPage = 50_000  // jobs that one statement counts: far below its time limit
    public static let recordFlush = 500  // jobs in one group commit: as many as one push takes to the queue
    public static let recordFlushBytes = 4 << 20  // bodies in one group commit; a larger job goes alone
    /// Bodies and results in one statement, and in one answer of rows: memory on both sides.
    public static let rowsBytes = 4 << 20
    public static let statementBytes = 256 << 20  // parameters of one statement; Postgres ends at 1 GiB
    public static let copyPieceBytes = 64 << 10  // of a COPY, and the row that reaches them; fits a cache
    /// Group commits in flight a process: one gathers while the other commits.
    public static let recordFlushes = 2

    // Stores in memory.
    /// Places of a list in memory that were taken and are not given back yet: to move the rest up costs as much as
    /// there are elements left.
    public static let takenPlaces = 1024
}
