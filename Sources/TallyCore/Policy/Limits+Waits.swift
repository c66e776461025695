extension Limits {
    // Waits.
    /// Calls of this process that wait for one connection to Redis, or for one group commit; one more is told so at
    /// once. Each is a suspended task, and a store that answers takes so many in within seconds.
    public static let callsWaiting = 100_000
    /// What those calls carry, and the call that reaches it: this process' memory.
    public static let callsWaitingBytes = 256 << 20
    /// Calls that wait for a connection out of one pool; one more is told so at once. Those at the end of such a row
    /// would wait for longer than `poolWait`.
    public static let poolCallsWaiting = 10_000
    /// For a new connection: on a network that works it takes milliseconds.
    public static let connect: Duration = .seconds(5)
    /// For one answer of Redis, whose longest call takes milliseconds: a server that says nothing for so long has
    /// hung.
    public static let redisReply: Duration = .seconds(5)
    /// For one statement and for one transaction: far above the slowest one, and an end for one that waits for a
    /// lock.
    public static let statement: Duration = .seconds(30)
    /// Of the mirror, for a row that others hold: all other jobs wait with it.
    public static let lockWait: Duration = .milliseconds(500)
    /// Between two steps that free unique keys: a key is free again within about a second.
    public static let keyPause: Duration = .seconds(1)
    /// Unique keys that one step frees: a statement holds their locks until it ends.
    public static let keysPerStep = 1000
    /// Sendings of one call while somebody keeps dropping the functions: then the caller is told.
    public static let functionLoads = 25
    /// Between two connections that a lane gives up for a key of another type: opening the next one frees most
    /// places, and what it leaves to a person must not cost every call a connection.
    public static let foreignKey: Duration = .seconds(1)
    /// How far Redis' clock may jump ahead; after a greater jump nothing is reclaimed for the length of a lease.
    public static let clockJump: Duration = .seconds(2)
    /// Reported entries stay so long while the log is short.
    public static let reportedLog: Duration = .seconds(30)
    /// Changes kept for held rows that one round brings to them, one a job: a statement of bounded size.
    public static let heldRows = 1000
    public static let heldRounds = 10  // of those in one transaction; the cursor waits for it
    public static let idleTransaction: Duration = .seconds(10)  // a duty that stands still gives up its locks
    public static let idleWait: Duration = .seconds(5)  // a worker's longest blocking wait
    /// Until a job that its worker has no handler for is handed out again; each further time waits twice as long.
    public static let unknownType: Duration = .seconds(5)
    /// The longest of those waits: a worker that has the handler gets the job within minutes of its start.
    public static let unknownTypeCap: Duration = .seconds(300)
    public static let unknownTypesTold = 20  // in a heartbeat, which is an entry of the log
    public static let beatAgain: Duration = .seconds(1)  // after a heartbeat that failed; deadlines go on
    public static let idleLeast: Duration = .milliseconds(1)  // a worker's shortest wait: no spinning
    public static let idleHeld: Duration = .milliseconds(100)  // asks while an epoch is held
    public static let idleAfterDue: Duration = .microseconds(500)  // asked so late, what was due is due
    public static let idleAsks = 150  // a second, of all idle workers together; two calls each
    /// Blocking waits of one process, each on a connection of its own: Redis takes 10,000 unless set otherwise.
    public static let waits = 64
    public static let runningTold = 64  // ids in a heartbeat, which is an entry of the log
    public static let toldErrorBytes = 500  // of the last error in a heartbeat: its head says what failed
    /// Between two reports of a worker that something got further: an eye follows no faster, and each is an entry of
    /// the log.
    public static let progressPause: Duration = .seconds(1)
    public static let attemptLines = 100  // that a handler may log in one attempt
    public static let attemptLinesBytes = 16 << 10  // of those together: they may all be long ones
    public static let attemptLineBytes = 1024  // of one line; what stands behind them is left out
    public static let toldLinesBytes = 32 << 10  // of the lines in one report, which is an entry of the log
    public static let lastReports = 8  // of a worker that ends: what its handlers logged last
    /// Of what workers tell beside their heartbeats, in the log of a shard until the ledger has it, counted anew
    /// every `reportedLog`: jobs need Redis' memory more.
    public static let toldLogBytes = 64 << 20
    /// Of the lines that wait in a worker to be told; while they fill it, new ones are left out.
    public static let linesWaitingBytes = 1 << 20
    public static let jobLines = 1000  // of one job, kept and read: the last ten attempts
    /// Between two reports that the ledger keeps no lines: every batch may bring some.
    public static let leftOutTold: Duration = .seconds(60)
    public static let progressBytes = 200  // of what a handler says that it is at: a line
    /// Looks at a job whose priority is to be changed, and that moves meanwhile.
    public static let changeTries = 10
    /// Tries to cancel a job that moves between the halves meanwhile; with `cancelPause` that is a second.
    public static let cancelTries = 40
    /// Between two of those: a job moves between the halves in milliseconds.
    public static let cancelPause: Duration = .milliseconds(25)
    public static let cancelPatience: Duration = .seconds(3)  // then it is not tried again: a store may hang
    /// For what the shards say that are not the job's, once its own has answered a cancellation.
    public static let otherShards: Duration = .milliseconds(200)
    /// Ends that a worker may owe the queue before it reserves more: those jobs run again if it dies.
    public static let unsettled = 1000
    public static let unsettledBytes = 16 << 20  // results among them: the worker's memory
    /// That middleware may hold the end of a run back, a heartbeat more or less: its job stays leased meanwhile, and
    /// whatever is said of an end takes less.
    public static let settleHeld: Duration = .seconds(30)
    /// Settlements gather for so long before they travel together: about one round trip, which nobody notices.
    public static let ackLinger: Duration = .microseconds(300)
    /// From one batch of the mirror to the next: a commit a batch is what a batch costs, and history may be so late.
    public static let mirrorLinger: Duration = .milliseconds(40)
    /// How long a mirror with nothing to apply goes without asking where the ledger stands: it may be moved by hand.
    public static let mirrorCursor: Duration = .seconds(5)
    /// Transitions a transaction: many share its commit, and no row stays locked for long.
    public static let mirrorBatch = 12_000
    /// Log entries a read, where calls moved few jobs: a batch takes few round trips.
    public static let mirrorRead = 4096
    /// Log entries a read, where each moved many: 16 calls of 500 jobs are most of a batch.
    public static let mirrorReadLeast = 16
    public static let mirrorBatchBytes = 8 << 20  // six copies of a batch live at once: 256 MiB hold them
    public static let relayAge: Duration = .seconds(1)  // the client pushes its own rows first
    /// Outbox rows a claim, which are locked while they are pushed; each queue that waits has its share.
    public static let relayRows = 20
    /// Bodies a claim, which are the relay's memory; each queue that waits has its share, or one job.
    public static let relayBytes = 8 << 20
    public static let relayFailures = 3  // pushes in a row that damage broke off: then its queue waits a pass
    /// An outbox row that waits longer is drift: the relay takes rows that are a second old.
    public static let outboxAge: Duration = .seconds(300)
    /// A comparison waits so long for the ledger to have what the log had; then nothing can be said, and it is said.
    public static let barrier: Duration = .seconds(10)
    public static let barrierPause: Duration = .milliseconds(5)  // for another mirror, which applies it
    /// The first wait while a store is away; each further one is twice as long.
    public static let retryStoreBase: Duration = .milliseconds(50)
    /// The longest wait while a store is away, so that its return is noticed at once by anybody's measure.
    public static let retryStoreCap: Duration = .seconds(2)
}
