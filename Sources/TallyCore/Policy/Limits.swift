/// Every bound in the system, with its unit and its reason. `ops/limits` writes the page of
/// limits from this file; a test compares.
public enum Limits {
    // Policy defaults.
    public static let maxAttempts = 3  // runs that may fail before the job is `failed`
    public static let maxCrashes = 3  // lapsed leases: a job that kills its workers ends here
    public static let backoffBase: Duration = .seconds(5)
    public static let backoffCap: Duration = .seconds(300)
    public static let backoffMultiplier = 2.0
    public static let backoffJitter = 0.2
    public static let lease: Duration = .seconds(30)  // three missed heartbeats
    public static let heartbeatsPerLease = 3
    public static let timeoutGrace: Duration = .seconds(5)  // to end after a cancellation
    public static let drain: Duration = .seconds(30)
    public static let stop: Duration = .seconds(5)  // from the order to stop at once to the end
    public static let stopGrace: Duration = .seconds(3)  // of that for handlers, then jobs are handed back
    public static let concurrency = 16

    // What an edge accepts.
    public static let nameBytes = 100  // queue and type: readable in a Redis key and a metric label
    public static let uniqueKeyBytes = 255
    public static let codecBytes = 50  // the name of a codec stands in every record
    public static let traceBytes = 512  // a W3C trace context with its state
    public static let bodyBytes = 1 << 20
    public static let resultBytes = 1 << 20
    public static let errorBytes = 4096  // kept of an error text
    public static let tags = 16
    public static let jsonDepth = 64
    public static let farthestRunAt: Duration = .seconds(10 * 365 * 86_400)
    public static let idClockSkew: Duration = .seconds(86_400)
    public static let clockSkew: Duration = .seconds(5)  // to the store's clock; beyond it the client says so
    public static let minLease: Duration = .microseconds(1)
    public static let maxLease: Duration = .seconds(86_400)
    public static let maxTimeout: Duration = .seconds(7 * 86_400)
    public static let maxAttemptsBound = 10_000
    public static let queuesPerCall = 64
    public static let lineBytes = 8 << 20  // a line of jobs; \u escapes are six times their bytes
    public static let inputLinger: Duration = .milliseconds(100)  // a slow producer is not waited for longer

    package static let latest = Timestamp(microseconds: (1 << 53) - 1)  // what a Redis score holds exactly

    // Redis: one call.
    public static let jobsPerCall = 500  // 1.5 ms of Redis; Lua's `unpack` ends near 8,000 values
    public static let bodyBytesPerCall = 1 << 20
    public static let inlineBodyBytes = 64 << 10  // larger bodies are fetched after the reserve
    public static let sendBytes = 4 << 20  // of calls that wait for one connection and travel in one write
    public static let reserveBytes = 8 << 20  // records in one reservation: 128 of the largest inline bodies
    public static let inspectBytes = 8 << 20  // records in one answer of `inspect` with bodies
    public static let logReadBytes = 8 << 20  // of the log in one answer, and the entry that reaches them
    public static let eventsRead = 8  // due times and expiries looked at for one of a worker's own queues
    public static let sweepPerCall = 100  // promotions and reclaims that ride on a reserve; repairs
    public static let priorities = 4

    // Redis: what may gather there.
    public static let queueWindow = 1_000_000  // jobs of a queue that wait or are scheduled; about 400 MB
    public static let logEntries = 2_000_000  // unmirrored log entries, then enqueue is refused
    public static let tombstone: Duration = .seconds(60)  // after the mirror reported it; twice `issued`
    public static let issued: Duration = .seconds(30)  // a push decided longer ago is refused
    public static let verify: Duration = .seconds(30)  // between two checks of a store's settings or clock
    public static let epochs = 64  // kept of a queue: restarts between two of its reports to the ledger
    public static let hold: Duration = .seconds(30)  // an epoch that nobody opens is opened unverified

    // Waits.
    public static let connect: Duration = .seconds(5)
    public static let redisReply: Duration = .seconds(5)
    public static let statement: Duration = .seconds(30)
    public static let lockWait: Duration = .milliseconds(500)  // of the mirror, for a row that others hold
    public static let keySweep: Duration = .seconds(1)  // between two steps that free unique keys
    public static let keysPerSweep = 1000  // unique keys that one step frees
    public static let heldRows = 1000  // changes kept for held rows that one round brings to them; one a job
    public static let heldRounds = 10  // of those in one transaction; the cursor waits for it
    public static let idleTransaction: Duration = .seconds(10)  // a duty that stands still gives up its locks
    public static let idleWait: Duration = .seconds(5)  // a worker's longest blocking wait
    public static let idleAsks = 150  // a second, of all idle workers together; two calls each
    public static let waits = 64  // blocking waits of one process, each on a connection of its own
    public static let unsettled = 1000  // ends that a worker may owe the queue before it reserves more
    public static let unsettledBytes = 16 << 20  // results among them
    public static let ackLinger: Duration = .microseconds(300)
    public static let mirrorLinger: Duration = .milliseconds(40)
    public static let mirrorBatch = 12_000  // transitions a transaction
    public static let mirrorBatchBytes = 8 << 20  // six copies of a batch live at once: 256 MiB hold them
    public static let relayAge: Duration = .seconds(1)  // the client pushes its own rows first
    public static let relayRows = 20  // outbox rows a claim; each queue that waits has its share of them
    public static let relayBytes = 8 << 20  // bodies a claim; each queue that waits has its share, or one job
    public static let relayFailures = 3  // pushes in a row that damage broke off: then its queue waits a pass
    public static let outboxAge: Duration = .seconds(300)  // an outbox row that waits longer is drift
    public static let barrier: Duration = .seconds(10)
    public static let retryStoreBase: Duration = .milliseconds(50)
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
    public static let openSilence: Duration = .seconds(120)  // leases wait for so long
    public static let patrolStep: Duration = .seconds(7200)  // 100 million active jobs
    public static let patrolSilence: Duration = .seconds(3600)  // halves not compared
    public static let pairing: Duration = .seconds(5)  // reports that the queue lives
    public static let queueLives: Duration = .seconds(15)  // three such reports missed: it is gone
    public static let trim: Duration = .seconds(1)  // of the log, where there is no ledger
    public static let upkeep: Duration = .seconds(3600)  // for partitions and pruning
    public static let upkeepSilence: Duration = .seconds(10_800)  // three failures of those
    public static let monthsAhead = 3  // time to notice that nobody makes partitions
    public static let pruneRows = 1000  // of a kind in one statement: short locks
    public static let keepWorkers: Duration = .seconds(7 * 86_400)  // stopped or lost
    public static let keepRounds: Duration = .seconds(86_400)  // that found nothing
    public static let keepRuns: Duration = .seconds(90 * 86_400)  // and findings
    public static let keepDuties: Duration = .seconds(7 * 86_400)  // that nobody reports
    public static let splitLock: Duration = .seconds(2)  // waited for a table's lock
    public static let splitTries = 60  // for that lock, between other transactions

    // The reconciler.
    public static let reconcilerLease: Duration = .seconds(5)  // to repair; short: a new epoch waits for it
    public static let repairPatience: Duration = .seconds(30)  // by hand, for a round to give way
    public static let repairs = 1000  // a run stops beyond these and beyond 1 % of the active jobs
    public static let overdue: Duration = .seconds(30)  // expired or due for so long: nobody sweeps
    public static let silence: Duration = .seconds(90)  // a worker not heard of for so long is lost
    public static let rollbackWindow = 100_000  // jobs; a longer window is compared like everything else
    public static let comparison = 2_500  // jobs that one passing of the barrier tells about
    public static let patrol: Duration = .seconds(60)  // between two rounds of `tally serve`
    public static let patrolJobs = 20_000  // a second
    public static let patrolRedis: Duration = .milliseconds(50)  // of calls a second
    public static let patrolPostgres: Duration = .milliseconds(200)  // of calls a second

    // Postgres.
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
    public static let page = 50
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
