extension Limits {
    // Shards.
    public static let shards = 64  // servers of a live half; each costs every process four connections

    // Redis: one call.
    public static let jobsPerCall = 500  // 1.5 ms of Redis; Lua's `unpack` ends near 8,000 values
    /// Bodies of one call, or one larger body: it bounds for how long a call keeps Redis from others.
    public static let bodyBytesPerCall = 1 << 20
    /// Larger bodies are read after the reserve: no small job waits for their bytes.
    public static let inlineBodyBytes = 64 << 10
    /// Of calls that wait for one connection and travel in one write: memory on both sides.
    public static let sendBytes = 4 << 20
    public static let reserveBytes = 8 << 20  // records in one reservation: 128 of the largest inline bodies
    /// Records in one answer of `inspect` with bodies: memory on both sides.
    public static let inspectBytes = 8 << 20
    /// Of the log in one answer, and the entry that reaches them: memory on both sides.
    public static let logReadBytes = 8 << 20
    /// Due times and expiries looked at for one of a worker's own queues: a look is short, whatever waits.
    public static let eventsRead = 8
    /// Jobs that seem out of place, and that one look checks: each is looked for through the whole of its list.
    public static let placesPerCall = 8
    /// Promotions and reclaims that ride on a reserve, so that its caller hardly waits for others' jobs; repairs.
    public static let sweepPerCall = 100
    /// Keys that one step through all of a Redis looks at: it does nothing else meanwhile.
    public static let scanKeys = 1000
    /// Each priority is a list of its own in every queue, and a look at each of them a reservation.
    public static let priorities = 4

    /// Their names ride in what every call reads, and each is a list more in every queue where it waits.
    public static let pausedTypes = 64

    // Redis: what may gather there.
    public static let queueWindow = 1_000_000  // jobs of a queue that wait or are scheduled; about 400 MB
    /// Unmirrored log entries, then enqueue is refused: Redis keeps them in memory.
    public static let logEntries = 2_000_000
    public static let tombstone: Duration = .seconds(60)  // after the mirror reported it; twice `issued`
    public static let issued: Duration = .seconds(30)  // a push decided longer ago is refused
    public static let verify: Duration = .seconds(30)  // between two checks of a store's settings or clock
    /// Ids and fields kept of what a foreign hand wrote to the log: enough to tell whose it was.
    public static let foreignValues = 10_000
    public static let epochs = 64  // kept of a queue: restarts between two of its reports to the ledger
    public static let hold: Duration = .seconds(30)  // an epoch that nobody opens is opened unverified
}
