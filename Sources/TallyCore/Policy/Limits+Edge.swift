extension Limits {
    // What an edge accepts.
    /// Of a worker that a command starts: a shorter lease runs out before anybody notices, and counts a crash.
    public static let commandLease: Duration = .seconds(1)
    /// Of such a worker: each heartbeat is an entry of the log.
    public static let commandHeartbeat: Duration = .milliseconds(100)
    /// Handlers of such a worker at a time: a higher number is a slip.
    public static let commandConcurrency = 100_000
    public static let namespaceBytes = 40  // the schema's name, to which roles add: Postgres ends at 63
    public static let nameBytes = 100  // queue and type: readable in a Redis key and a metric label
    /// A unique key is a field in Redis and part of an index in Postgres; a longer one is better given as its hash.
    public static let uniqueKeyBytes = 255
    public static let codecBytes = 50  // the name of a codec stands in every record
    public static let traceBytes = 512  // a W3C trace context with its state
    /// Headers stand in the record, which every lease hands out; a record counts them in one byte.
    public static let headers = 32
    /// Of a job's headers, names and values together; more belongs into the body.
    public static let headerBytes = 4096
    /// A larger body would hold up every other call behind it: the data belongs elsewhere, and its address in the
    /// body.
    public static let bodyBytes = 1 << 20
    /// A result travels back through the same calls as bodies do, so it has the same bound.
    public static let resultBytes = 1 << 20
    /// Kept of an error text: the head says what failed, and every row and entry of the log carries it.
    public static let errorBytes = 4096
    /// Tags are for people; a record counts them in one byte.
    public static let tags = 16
    /// A deeper body is stored to the bit, and is not searchable: `jsonb` reads nesting on the server's stack.
    public static let jsonDepth = 64
    /// A due time beyond this is more likely a number of milliseconds that was taken for seconds.
    public static let farthestRunAt: Duration = .seconds(10 * 365 * 86_400)
    /// An id names its partition by the time in it, so one that its caller brings must be of today, by the store's
    /// clock.
    public static let idClockSkew: Duration = .seconds(86_400)
    public static let clockSkew: Duration = .seconds(5)  // to the store's clock; beyond it the client says so
    /// What a score in Redis can tell apart.
    public static let minLease: Duration = .microseconds(1)
    /// A longer lease would keep a job from others for longer than anybody waits; a worker extends instead.
    public static let maxLease: Duration = .seconds(86_400)
    /// The longest attempt that can be asked for; leave the timeout out for work without one.
    public static let maxTimeout: Duration = .seconds(7 * 86_400)
    /// At the longest wait this is more than a month of attempts; a higher number is more likely a mistake.
    public static let maxAttemptsBound = 10_000
    /// Queues of one reservation: each costs a look at its lists, which Redis does for no other caller meanwhile.
    public static let queuesPerCall = 64
    public static let lineBytes = 8 << 20  // a line of jobs; \u escapes are six times their bytes
    public static let socketPathBytes = 100  // of a socket of this machine; the kernel ends at 104 to 108
    /// Of a database of Redis, which has 16 unless it is set otherwise: a higher number is a slip.
    public static let databaseNumber = 1_000_000
    /// Of an address, to be named in a message: a longer word may be the rest of a password.
    public static let optionNameBytes = 40
    public static let cursorBytes = 100  // of a page; one that was given out has 28
    public static let inputLinger: Duration = .milliseconds(100)  // a slow producer is not waited for longer

    /// Digits before the point of a JSON number, and behind it, that `jsonb` is sure to hold: Postgres' numeric ends
    /// at 131,072 before and 16,383 behind, and the exponent moves them.
    public static let jsonDigits = 10_000
    /// The exponent of such a number, either way: with `jsonDigits` it stays within what numeric holds.
    public static let jsonExponent = 6_000
    /// A longer time that is typed is a slip: a century is more than any setting may say.
    public static let typedDuration: Duration = .seconds(36_525 * 86_400)

    /// A time from here on, in 2191, is a number of another unit: the tables check the same.
    package static let timesEnd = Timestamp(microseconds: 7_000_000_000_000_000)
    package static let latest = Timestamp(microseconds: (1 << 53) - 1)  // what a Redis score holds exactly
}
