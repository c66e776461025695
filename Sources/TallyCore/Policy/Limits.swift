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
    /// Waits in the list of a policy; a job has no more than ten times as many attempts.
    public static let retryDelays = 1000
    public static let lease: Duration = .seconds(30)  // three missed heartbeats
    /// Extensions and reports in the length of one lease: two may be lost before it runs out.
    public static let heartbeatsPerLease = 3
    /// To end after a cancellation: time to close what a handler has open.
    public static let timeoutGrace: Duration = .seconds(5)
    /// What running handlers have to end in when a worker drains: what orchestrators commonly give.
    public static let drain: Duration = .seconds(30)
    /// From the order to stop at once to the end: whoever asks twice is in a hurry.
    public static let stop: Duration = .seconds(5)
    public static let stopGrace: Duration = .seconds(3)  // of that for handlers, then jobs are handed back
    /// Handlers of one worker at a time: enough to hide their waits for others, few enough for their memory.
    public static let concurrency = 16
    /// Of a queue against the worker's others; what needs more is better given a worker of its own.
    public static let queueWeight = 1000
    /// Jobs that one turn of several queues takes where slots are free: the shares even out over the turns, and each
    /// turn is a call.
    public static let turnLeast = 16

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

    // Duties.
    public static let dutyStep: Duration = .seconds(60)  // then cancelled; two statements' deadlines
    public static let dutySilence: Duration = .seconds(60)  // then an alarm; longer than a failover
    public static let dutyLease: Duration = .seconds(5)  // short: others wait for it
    /// Of a process, all together: far below the silence that is an alarm.
    public static let dutyReport: Duration = .seconds(5)
    public static let mirrorStep: Duration = .seconds(120)  // four statements at their deadlines
    public static let mirrorGathered = 256  // entries; so many are followed by more at once
    public static let verifySilence: Duration = .seconds(180)  // six checks that came to nothing
    /// Of queues that nobody reserves from: so late may their due jobs be.
    public static let sweep: Duration = .milliseconds(500)
    /// Of one step, so that one with much to do still ends; more is left to the next.
    public static let sweepCalls = 100
    /// Over an empty outbox: a quarter of the age at which rows are taken.
    public static let relayPause: Duration = .milliseconds(250)
    public static let epochWatch: Duration = .milliseconds(200)  // for a held epoch: every lease waits for it
    public static let openStep: Duration = .seconds(1800)  // rebuilds an emptied Redis
    public static let openTries = 5  // comparisons before a held epoch is told to wait for the next step
    public static let openSilence: Duration = .seconds(120)  // leases wait for so long
    public static let patrolStep: Duration = .seconds(7200)  // a shard: 100 million active jobs
    public static let patrolSilence: Duration = .seconds(3600)  // halves not compared
    /// Reports that the queue lives: while they come no other queue takes its place.
    public static let pairing: Duration = .seconds(2)
    public static let queueLives: Duration = .seconds(8)  // four such reports missed: it is gone
    public static let trim: Duration = .seconds(1)  // of the log, where there is no ledger to report to
    public static let upkeep: Duration = .seconds(3600)  // for partitions and pruning: none of it is urgent
    public static let upkeepSilence: Duration = .seconds(10_800)  // three failures of those
    public static let monthsAhead = 3  // time to notice that nobody makes partitions
    /// What handlers logged: who asks why a job failed does so within the month.
    public static let keepLines: Duration = .seconds(30 * 86_400)
    public static let pruneRows = 1000  // of a kind in one statement: short locks
    /// Stopped or lost: a week to ask what became of one.
    public static let keepWorkers: Duration = .seconds(7 * 86_400)
    public static let keepRounds: Duration = .seconds(86_400)  // that found nothing: there is one a minute
    public static let keepRuns: Duration = .seconds(90 * 86_400)  // and findings: a quarter to look back over
    /// That nobody reports: one that was renamed is not missed for ever.
    public static let keepDuties: Duration = .seconds(7 * 86_400)
    /// For one migration, the wait for others included: an index over a large table takes minutes.
    public static let migration: Duration = .seconds(600)
    /// Waited for a table's lock: whoever comes behind waits as well.
    public static let splitLock: Duration = .seconds(2)
    /// For that lock, between other transactions: with as long a pause after each, four minutes.
    public static let splitTries = 60

    // The reconciler.
    public static let reconcilerLease: Duration = .seconds(5)  // to repair; short: a new epoch waits for it
    public static let repairPatience: Duration = .seconds(30)  // by hand, for a round to give way
    /// That a person may allow one run, far beyond what any queue holds: a higher number is a slip.
    public static let allowedRepairs = 1_000_000_000
    public static let repairs = 1000  // a run stops beyond these and beyond 1 % of the active jobs
    /// Of one code, kept by a run one by one; the others are counted. Rounds go on every minute, and what they found
    /// is kept for long: more than anybody reads would fill the ledger.
    public static let findings = 1000
    public static let findingsPerCall = 500  // written by one statement, each looked up by its job and code
    public static let repairRounds = 3  // what was repaired by hand is compared so often; the last only looks
    public static let overdue: Duration = .seconds(30)  // expired or due for so long: nobody sweeps
    public static let silence: Duration = .seconds(90)  // a worker not heard of for so long is lost
    public static let rollbackWindow = 100_000  // jobs; a longer window is compared like everything else
    /// Jobs that one passing of the barrier tells about: each passing waits for the mirror.
    public static let comparison = 2_500
    /// Places of one structure in one answer: Redis does nothing else meanwhile.
    public static let structureRead = 1000
    /// Workers in one answer, each with its running ids, and how far they are.
    public static let rosterRead = 200
    public static let logHoles = 10  // that one run closes; more are left to the next
    /// Log entries that must be events, looked at in a run: a sample, since all would cost a second mirror.
    public static let overlap = 200
    /// Transitions looked at of each of them: a call may have moved 500 jobs.
    public static let overlapMoves = 20
    /// Between two rounds of `tally serve`: so long may drift stay unseen.
    public static let patrol: Duration = .seconds(60)
    public static let patrolJobs = 20_000  // a second: 100 million jobs fit into `patrolStep`
    /// Of calls a second: a twentieth of what Redis can do.
    public static let patrolRedis: Duration = .milliseconds(50)
    /// Of calls a second: a fifth of one connection.
    public static let patrolPostgres: Duration = .milliseconds(200)

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

    // Handlers that are other programs, or servers.
    /// For a job whose program or request this process has no room for now: others end within seconds as a rule.
    public static let handlerPause: Duration = .seconds(5)
    public static let handedBackTold = 1000  // jobs of which a process has said why they go back
    /// From SIGTERM to SIGKILL: within `stopGrace`, so that a job is handed back only once its program has ended.
    public static let programGrace: Duration = .seconds(2)
    public static let programLines = 100  // of an attempt, of standard error, that are handed on
    public static let programLinesBytes = 16 << 10  // of those lines together: they may all be long ones
    public static let programLineBytes = 1024  // of one line; what stands behind them is left out
    public static let programTailLines = 20  // the last of standard error, in the error text
    /// Of those lines together: half of an error text, whose other half is for what a middleware adds.
    public static let programTailBytes = 2048
    public static let programPieceBytes = 64 << 10  // a read of a pipe: as much as most hold
    /// Reads of what is left in a pipe once its program has ended: as much as the largest pipe holds.
    public static let programPieces = 16
    public static let programSnoozeBytes = 100  // of the time behind `TALLY_SNOOZE`, such as 1h30m
    /// A program that says "not now" and no time: rare enough to cost nothing, soon enough for most causes.
    public static let programSnooze: Duration = .seconds(60)

    // Handlers that are servers.
    /// For one whole exchange by HTTP; most servers give up on a request themselves by then.
    public static let httpAnswer: Duration = .seconds(30)
    /// The longest `Retry-After` that is heeded: a server that is back sooner gets its jobs within the hour.
    public static let httpRetryAfter: Duration = .seconds(3600)
    public static let httpWait: Duration = .seconds(1)  // of libcurl, which then looks at its clock again
    public static let httpHeadBytes = 256 << 10  // before an answer's body, with provisional answers
    public static let httpReasonBytes = 200  // of a refusal's body, in the error text: its first line

    // What a command says and waits for.
    /// For a new connection to a store: a command can often answer without one of several, and a person waits for it.
    public static let commandConnect: Duration = .seconds(2)
    public static let namedRanges = 20  // of lines, in one line of a message: more is not read
    /// Until the same line is said once more: a store that is away must not fill the log.
    public static let saidAgain: Duration = .seconds(10)
    public static let watch: Duration = .seconds(2)  // between two looks of one who watches
    /// Between two such looks at least: each asks both stores, and an eye follows no faster.
    public static let watchLeast: Duration = .milliseconds(200)
    /// Between two lines that overwrite each other: an eye follows no faster.
    public static let progress: Duration = .milliseconds(200)
    /// Between two looks at another's lock: whoever holds it starts or ends servers, which takes longer.
    public static let folderLock: Duration = .milliseconds(50)
    /// Of the sample handler `sleep`: long enough to be seen at work.
    public static let sampleSleep: Duration = .milliseconds(250)
    public static let serverEnd: Duration = .seconds(30)  // of a private server; then it is killed
    /// For a private server that was started, `serverLook` apart: on a busy machine that takes seconds.
    public static let serverLooks = 1000
    /// Between two looks at a private server, or a program, whose start or end is waited for: nobody notices it.
    public static let serverLook: Duration = .milliseconds(10)
    /// Before a private Postgres is started once more: what a killed one has left needs a moment to go.
    public static let serverAgain: Duration = .milliseconds(500)
    public static let serverTries = 10  // to start one: a port may be taken between the look and the use
    public static let serverOwnTries = 8  // of those on the port that clients know
    /// Rows of a listing that names no limit: what a screen holds.
    public static let page = 50
    /// The most rows of one page: a listing is read page by page, so that no answer grows with history.
    public static let maxPage = 1000
    /// Remembered for `saidAgain`: where each line is another one they are forgotten, and fill no memory.
    public static let saidLines = 100
    public static let shownCharacters = 2000  // of one field in `inspect`: a screen; the rest is cut off
    /// Of a dead letter that is purged, its id and its end: twice as long as a store takes an id.
    public static let purgeAge: Duration = .seconds(2 * 86_400)
    /// Jobs that one command changes unless it is told otherwise: what a person can still look through.
    public static let bulkJobs = 1000
    /// Of these a second: far below what a small server does, so that nobody else notices.
    public static let bulkRate = 100
    public static let bulkMaxRate = 10_000  // one connection does no more
    /// Rows that one command looks through for those that match, and the most that it changes.
    public static let bulkLooked = 1_000_000
    public static let bulkPage = 200  // of these in one question
    /// Rows in a row that others hold, each waited for; then it is not the rows, and the change of many ends.
    public static let bulkHeld = 10
    public static let bulkKinds = 100  // pairs of queue and type that are told with their counts
    /// Jobs that are enqueued anew in one transaction: their bodies are in memory together, and their rows locked.
    public static let replayJobs = 20
    public static let replayLinks = 20  // of one job, that are told: who replays more often asks the ledger
    /// For a condition that an operator wrote: it may look through all history, and must not for ever.
    public static let replayRead: Duration = .seconds(30)
    public static let conditionBytes = 4096  // of such a condition: a screen of SQL
    /// Pages that one listing looks through for what matches; then it answers what it has, and a cursor.
    public static let filterPages = 100
    /// Of memory, connections and the log, in percent: from here on somebody must act, while there is time to.
    public static let tightPercent = 80
    public static let fullPercent = 95  // of these: what comes next may be refused
    /// Since both halves were compared in full: every night does so, and one may fail.
    public static let compared: Duration = .seconds(2 * 86_400)
    /// Pages of a queue's list, `structureRead` places each, that are looked through for what stands before one job:
    /// a longer list is told by its length alone.
    public static let aheadReads = 10
    /// Of a text for people, also where no terminal says how wide it is: what every terminal has.
    public static let narrowest = 80
    public static let widest = 120  // columns of such a text: an eye follows no further
    public static let lowest = 24  // rows, of a terminal that does not say how many it has
    public static let keyBytes = 16  // of what one key sends: no terminal's are longer
    public static let keysRead = 1024  // bytes of keys in one read; a person types a few
    /// What happened on a terminal and was not looked at yet: nobody types so far ahead.
    public static let screenEvents = 100
    /// Of a word that is no command or flag, to be likened to those that are: a longer one is no slip.
    public static let likenedBytes = 40
    public static let slips = 2  // in a word that is taken for another: with more it may be any
    public static let printedCharacters = 200  // of foreign text in a message: it stays a line
    public static let olderNamed = 5  // programs in a message that names those that are too old
    public static let cellCharacters = 60  // of an error text in a table: its row stays a line
    public static let reasonCharacters = 200  // of what Postgres said of a row, in a finding: its first line
    /// Of what a server or its tool has printed, in the error that it failed: a screen, and the end says why.
    public static let logCharacters = 2000
    public static let namedWorkers = 5  // of an older program, in a message: `tally workers` lists them all
    public static let namedRights = 8  // that a login lacks, in a message: the role's script has them all
    /// Counted by the query of an alert: more is no worse to whoever is called.
    public static let alertRows = 1000
    /// Rows of a DEFAULT partition that are counted: of more it is enough to know that they are many.
    public static let countedRows = 1_000_000
}

extension Limits {
    /// A wait between two attempts as a due time can hold it.
    static func bounded(_ wait: Duration) -> Duration { max(.zero, min(wait, farthestRunAt)) }
    /// A due time as a store holds it: a settlement cannot be refused for its time without refusing its neighbours,
    /// so one beyond the calendar counts as the calendar's end. nil = at once.
    package static func reach(_ time: Timestamp?) -> Int64 {
        guard let time else { return 0 }
        return max(0, min(time.microseconds, latest.microseconds))
    }
    /// A count of attempts as the ledger's column holds it.
    package static func reach(_ attempts: Int) -> UInt32 { UInt32(max(0, min(attempts, Int(Int32.max)))) }
}
