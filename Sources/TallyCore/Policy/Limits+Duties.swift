extension Limits {
    // Duties.
    public static let dutyStep: Duration = .seconds(60)  // then cancelled; two statements' deadlines
    public static let dutySilence: Duration = .seconds(60)  // then an alarm; longer than a failover
    public static let dutyLease: Duration = .seconds(5)  // short: others wait for it
    /// Of a process, all together: far below the silence that is an alarm.
    public static let dutyReport: Duration = .seconds(5)
    /// A process that has not reported for so long has ended: the alerts hold it for that as well.
    public static let dutyReported: Duration = .seconds(60)
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
}
