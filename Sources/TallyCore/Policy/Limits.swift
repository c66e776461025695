/// Every bound in the system, with its unit and its reason. `ops/limits` writes the page of
/// limits from this file; a test compares.
public enum Limits {
    // Policy defaults.
    public static let maxAttempts = 3  // runs that may fail before the job is `failed`
    public static let maxCrashes = 3  // lapsed leases: a job that kills its workers ends here
    /// The wait after the first failure: long enough for a restart of what the handler called.
    public static let backoffBase: Duration = .seconds(5)
    /// The longest wait between two attempts, jitter included, so that a mended cause is noticed within minutes.
    public static let backoffCap: Duration = .seconds(300)
    /// Each further failure waits so many times as long: a cause that lasts is asked less and less often.
    public static let backoffMultiplier = 2.0
    /// The part of a wait that chance adds or takes away, so that jobs which failed together do not return together.
    public static let backoffJitter = 0.2
    public static let lease: Duration = .seconds(30)  // three missed heartbeats
    /// Extensions and reports in the length of one lease: two may be lost before it runs out.
    public static let heartbeatsPerLease = 3
    public static let timeoutGrace: Duration = .seconds(5)  // to end after a cancellation
    /// What running handlers have to end in when a worker drains: what orchestrators commonly give.
    public static let drain: Duration = .seconds(30)
    public static let stop: Duration = .seconds(5)  // from the order to stop at once to the end
    public static let stopGrace: Duration = .seconds(3)  // of that for handlers, then jobs are handed back
    /// Handlers of one worker at a time: enough to hide their waits for others, few enough for their memory.
    public static let concurrency = 16

    // What an edge accepts.
    /// Of a worker that a command starts: a shorter lease runs out before anybody notices, and counts a crash.
    public static let commandLease: Duration = .seconds(1)
    /// Of such a worker: each heartbeat is an entry of the log.
    public static let commandHeartbeat: Duration = .milliseconds(100)
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
    public static let errorBytes = 4096  // kept of an error text
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
    public static let inputLinger: Duration = .milliseconds(100)  // a slow producer is not waited for longer

    package static let latest = Timestamp(microseconds: (1 << 53) - 1)  // what a Redis score holds exactly

    // Shards.
    public static let shards = 64  // servers of a live half; each costs every process four connections

    // Redis: one call.
    public static let jobsPerCall = 500  // 1.5 ms of Redis; Lua's `unpack` ends near 8,000 values
    /// Bodies of one call, or one larger body: it bounds for how long a call keeps Redis from others.
    public static let bodyBytesPerCall = 1 << 20
    public static let inlineBodyBytes = 64 << 10  // larger bodies are fetched after the reserve
    public static let sendBytes = 4 << 20  // of calls that wait for one connection and travel in one write
    public static let reserveBytes = 8 << 20  // records in one reservation: 128 of the largest inline bodies
    public static let inspectBytes = 8 << 20  // records in one answer of `inspect` with bodies
    public static let logReadBytes = 8 << 20  // of the log in one answer, and the entry that reaches them
    public static let eventsRead = 8  // due times and expiries looked at for one of a worker's own queues
    public static let placesPerCall = 8  // each looks through the whole of its list
    public static let sweepPerCall = 100  // promotions and reclaims that ride on a reserve; repairs
    /// Each priority is a list of its own in every queue, and a look at each of them a reservation.
    public static let priorities = 4

    // Redis: what may gather there.
    public static let queueWindow = 1_000_000  // jobs of a queue that wait or are scheduled; about 400 MB
    public static let logEntries = 2_000_000  // unmirrored log entries, then enqueue is refused
    public static let tombstone: Duration = .seconds(60)  // after the mirror reported it; twice `issued`
    public static let issued: Duration = .seconds(30)  // a push decided longer ago is refused
    public static let verify: Duration = .seconds(30)  // between two checks of a store's settings or clock
    public static let foreignValues = 10_000  // ids and fields kept of what a foreign hand wrote to the log
    public static let epochs = 64  // kept of a queue: restarts between two of its reports to the ledger
    public static let hold: Duration = .seconds(30)  // an epoch that nobody opens is opened unverified

    // Waits.
    /// For a new connection: on a network that works it takes milliseconds.
    public static let connect: Duration = .seconds(5)
    /// For one answer of Redis, whose longest call takes milliseconds: a server that says nothing for so long has
    /// hung.
    public static let redisReply: Duration = .seconds(5)
    /// For one statement and for one transaction: far above the slowest one, and an end for one that waits for a
    /// lock.
    public static let statement: Duration = .seconds(30)
    public static let lockWait: Duration = .milliseconds(500)  // of the mirror, for a row that others hold
    public static let keySweep: Duration = .seconds(1)  // between two steps that free unique keys
    public static let keysPerSweep = 1000  // unique keys that one step frees
    public static let functionLoads = 25  // sendings of one call while somebody keeps dropping the functions
    /// How far Redis' clock may jump ahead; after a greater jump nothing is reclaimed for the length of a lease.
    public static let clockJump: Duration = .seconds(2)
    /// Reported entries stay so long while the log is short.
    public static let reportedLog: Duration = .seconds(30)
    public static let heldRows = 1000  // changes kept for held rows that one round brings to them; one a job
    public static let heldRounds = 10  // of those in one transaction; the cursor waits for it
    public static let idleTransaction: Duration = .seconds(10)  // a duty that stands still gives up its locks
    public static let idleWait: Duration = .seconds(5)  // a worker's longest blocking wait
    public static let unknownType: Duration = .seconds(5)  // until its job is handed out again
    public static let beatAgain: Duration = .seconds(1)  // after a heartbeat that failed; deadlines go on
    public static let idleLeast: Duration = .milliseconds(1)  // a worker's shortest wait: no spinning
    public static let idleHeld: Duration = .milliseconds(100)  // asks while an epoch is held
    public static let idleAfterDue: Duration = .microseconds(500)  // asked so late, what was due is due
    public static let idleAsks = 150  // a second, of all idle workers together; two calls each
    public static let waits = 64  // blocking waits of one process, each on a connection of its own
    public static let runningTold = 100  // ids in a heartbeat, which is an entry of the log
    /// Tries to cancel a job that moves between the halves meanwhile; with `cancelPause` that is a second.
    public static let cancelTries = 40
    public static let cancelPause: Duration = .milliseconds(25)  // between two of those
    public static let cancelPatience: Duration = .seconds(3)  // then it is not tried again: a store may hang
    /// For what the shards say that are not the job's, once its own has answered a cancellation.
    public static let otherShards: Duration = .milliseconds(200)
    public static let unsettled = 1000  // ends that a worker may owe the queue before it reserves more
    public static let unsettledBytes = 16 << 20  // results among them
    /// Settlements gather for so long before they travel together: about one round trip, which nobody notices.
    public static let ackLinger: Duration = .microseconds(300)
    /// From one batch of the mirror to the next: a commit a batch is what a batch costs, and history may be so late.
    public static let mirrorLinger: Duration = .milliseconds(40)
    /// How long a mirror with nothing to apply goes without asking where the ledger stands: it may be moved by hand.
    public static let mirrorCursor: Duration = .seconds(5)
    public static let mirrorBatch = 12_000  // transitions a transaction
    public static let mirrorRead = 4096  // log entries a read, where calls moved few jobs
    public static let mirrorReadLeast = 16  // log entries a read, where each moved many
    public static let mirrorBatchBytes = 8 << 20  // six copies of a batch live at once: 256 MiB hold them
    public static let relayAge: Duration = .seconds(1)  // the client pushes its own rows first
    public static let relayRows = 20  // outbox rows a claim; each queue that waits has its share of them
    public static let relayBytes = 8 << 20  // bodies a claim; each queue that waits has its share, or one job
    public static let relayFailures = 3  // pushes in a row that damage broke off: then its queue waits a pass
    public static let outboxAge: Duration = .seconds(300)  // an outbox row that waits longer is drift
    /// A comparison waits so long for the ledger to have what the log had; then nothing can be said, and it is said.
    public static let barrier: Duration = .seconds(10)
    public static let barrierPause: Duration = .milliseconds(5)  // for another mirror, which applies it
    /// The first wait while a store is away; each further one is twice as long.
    public static let retryStoreBase: Duration = .milliseconds(50)
    /// The longest wait while a store is away, so that its return is noticed at once by anybody's measure.
    public static let retryStoreCap: Duration = .seconds(2)

    // Duties.
    public static let dutyStep: Duration = .seconds(60)  // then cancelled; two statements' deadlines
    public static let dutySilence: Duration = .seconds(60)  // then an alarm; longer than a failover
    public static let dutyLease: Duration = .seconds(5)  // short: others wait for it
    public static let dutyReport: Duration = .seconds(5)  // of a process, all together
    public static let mirrorStep: Duration = .seconds(120)  // four statements at their deadlines
    public static let mirrorGathered = 256  // entries; so many are followed by more at once
    public static let verifySilence: Duration = .seconds(180)  // six checks that came to nothing
    public static let sweep: Duration = .milliseconds(500)  // of queues that nobody polls
    public static let sweepCalls = 100  // of one step; more is left to the next
    public static let relayPause: Duration = .milliseconds(250)  // over an empty outbox
    public static let epochWatch: Duration = .milliseconds(200)  // for a held epoch
    public static let openStep: Duration = .seconds(1800)  // rebuilds an emptied Redis
    public static let openTries = 5  // comparisons before a held epoch is told to wait for the next step
    public static let openSilence: Duration = .seconds(120)  // leases wait for so long
    public static let patrolStep: Duration = .seconds(7200)  // a shard: 100 million active jobs
    public static let patrolSilence: Duration = .seconds(3600)  // halves not compared
    public static let pairing: Duration = .seconds(2)  // reports that the queue lives
    public static let queueLives: Duration = .seconds(8)  // four such reports missed: it is gone
    public static let trim: Duration = .seconds(1)  // of the log, where there is no ledger
    public static let upkeep: Duration = .seconds(3600)  // for partitions and pruning
    public static let upkeepSilence: Duration = .seconds(10_800)  // three failures of those
    public static let monthsAhead = 3  // time to notice that nobody makes partitions
    public static let pruneRows = 1000  // of a kind in one statement: short locks
    public static let keepWorkers: Duration = .seconds(7 * 86_400)  // stopped or lost
    public static let keepRounds: Duration = .seconds(86_400)  // that found nothing
    public static let keepRuns: Duration = .seconds(90 * 86_400)  // and findings
    public static let keepDuties: Duration = .seconds(7 * 86_400)  // that nobody reports
    /// For one migration, the wait for others included: an index over a large table takes minutes.
    public static let migration: Duration = .seconds(600)
    public static let splitLock: Duration = .seconds(2)  // waited for a table's lock
    public static let splitTries = 60  // for that lock, between other transactions

    // The reconciler.
    public static let reconcilerLease: Duration = .seconds(5)  // to repair; short: a new epoch waits for it
    public static let repairPatience: Duration = .seconds(30)  // by hand, for a round to give way
    public static let repairs = 1000  // a run stops beyond these and beyond 1 % of the active jobs
    public static let repairRounds = 3  // what was repaired by hand is compared so often; the last only looks
    public static let overdue: Duration = .seconds(30)  // expired or due for so long: nobody sweeps
    public static let silence: Duration = .seconds(90)  // a worker not heard of for so long is lost
    public static let rollbackWindow = 100_000  // jobs; a longer window is compared like everything else
    public static let comparison = 2_500  // jobs that one passing of the barrier tells about
    public static let structureRead = 1000  // places of one structure in one answer
    public static let rosterRead = 200  // workers in one answer
    public static let logHoles = 10  // that one run closes; more are left to the next
    public static let overlap = 200  // log entries that must be events, looked at in a run
    public static let overlapMoves = 20  // transitions looked at of each of them
    public static let patrol: Duration = .seconds(60)  // between two rounds of `tally serve`
    public static let patrolJobs = 20_000  // a second
    public static let patrolRedis: Duration = .milliseconds(50)  // of calls a second
    public static let patrolPostgres: Duration = .milliseconds(200)  // of calls a second

    // Postgres.
    /// Connections of one process: enough for two group commits and a read beside them, few enough for hundreds of
    /// processes.
    public static let poolConnections = 4
    public static let poolWait: Duration = .seconds(5)  // for one to be free; then the caller is told
    public static let poolIdle: Duration = .seconds(300)  // a connection unused for so long is closed
    public static let reopenCap: Duration = .milliseconds(500)  // between tries to connect
    public static let pushBudget: Duration = .milliseconds(200)  // for the push after a commit
    public static let recountPage = 50_000  // jobs that one statement counts: far below its time limit
    public static let recordFlush = 500  // jobs in one group commit
    public static let recordFlushBytes = 4 << 20  // bodies in one group commit; a larger job goes alone
    public static let rowsBytes = 4 << 20  // bodies and results in one statement, and in one answer of rows
    public static let statementBytes = 256 << 20  // parameters of one statement; Postgres ends at 1 GiB
    public static let copyPieceBytes = 64 << 10  // of a COPY, and the row that reaches them; fits a cache
    public static let recordFlushes = 2  // group commits in flight a process

    // What a command says and waits for.
    /// For a new connection to a store: a command can often answer without one of several, and a person waits for it.
    public static let commandConnect: Duration = .seconds(2)
    public static let namedRanges = 20  // of lines, in one line of a message
    public static let saidAgain: Duration = .seconds(10)  // until the same line is said once more
    public static let progress: Duration = .milliseconds(200)  // between two lines that overwrite each other
    public static let folderLock: Duration = .milliseconds(50)  // between two looks at another's lock
    public static let sampleSleep: Duration = .milliseconds(250)  // of the sample handler `sleep`
    /// Rows of a listing that names no limit: what a screen holds.
    public static let page = 50
    /// The most rows of one page: a listing is read page by page, so that no answer grows with history.
    public static let maxPage = 1000
}

extension Limits {
    /// A due time as a store holds it: a settlement cannot be refused for its time without refusing its neighbours,
    /// so one beyond the calendar counts as the calendar's end. nil = at once.
    package static func reach(_ time: Timestamp?) -> Int64 {
        guard let time else { return 0 }
        return max(0, min(time.microseconds, latest.microseconds))
    }
    /// A count of attempts as the ledger's column holds it.
    package static func reach(_ attempts: Int) -> UInt32 { UInt32(max(0, min(attempts, Int(Int32.max)))) }
}
