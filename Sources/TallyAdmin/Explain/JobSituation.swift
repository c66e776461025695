import TallyCore

/// What is known of one job, and of whatever decides how it goes on.
package struct JobSituation: Sendable {
    /// As the live half has it while it is active there, else as the ledger does.
    package var job: JobSnapshot
    /// What the live half says of it.
    package var inQueue: JobReport.InQueue
    /// What the ledger's row says; nil = it has none.
    package var inLedger: JobStatus?
    /// Whether a ledger was asked and has answered.
    package var hasLedger: Bool
    /// The moment of the answer, by the queue's clock; by this machine's where the queue is away.
    package var now: Timestamp
    /// An outbox row still carries it to the queue.
    package var hasOutbox = false
    /// What became of it waits for its row, which somebody's transaction holds.
    package var hasHeldChanges = false
    /// Its handler has committed its effect.
    package var isEffectCommitted = false
    /// How long until the queue's epoch opens by itself; nil = it is open.
    package var opensIn: Duration?
    /// Its queue hands out nothing.
    package var isPaused = false
    /// Its type is paused, in whichever queue.
    package var isTypePaused = false
    /// How many jobs of its queue are runnable now; nil = not asked.
    package var pending: Int?
    /// How many of them, of its own priority, are handed out before it; nil = unknown, or more than were looked at.
    package var ahead: Int?
    /// The workers that serve its queue and its type; nil = nobody could say.
    package var serving: Serving?
    /// The worker that has its lease, where the ledger knows it.
    package var holder: Holder?
    /// How far it is, as its handler said in the lease that it has now; nil = it has not, or nobody could say.
    package var progress: JobProgress?
    /// Duties that have not succeeded for their limits.
    package var silent: [String] = []
    /// Whether any duty has ever been reported.
    package var hasDuties = true

    /// Those workers together.
    package struct Serving: Hashable, Sendable {
        /// How many there are.
        package var workers: Int
        /// How many jobs they run at a time at most.
        package var slots: Int
        /// How many they run now.
        package var running: Int

        /// So many workers with so many slots.
        package init(workers: Int, slots: Int, running: Int) {
            self.workers = workers
            self.slots = slots
            self.running = running
        }
    }

    /// Who has the job.
    package struct Holder: Hashable, Sendable {
        /// Its name.
        package var worker: WorkerID
        /// It fell silent without a word.
        package var isLost: Bool
        /// When it was last heard of, by the queue's clock.
        package var lastSeen: Timestamp

        /// A worker as it was last heard of.
        package init(worker: WorkerID, isLost: Bool, lastSeen: Timestamp) {
            self.worker = worker
            self.isLost = isLost
            self.lastSeen = lastSeen
        }
    }

    /// A situation of which nothing else is known yet.
    package init(
        job: JobSnapshot, inQueue: JobReport.InQueue, inLedger: JobStatus?, hasLedger: Bool, now: Timestamp
    ) {
        self.job = job
        self.inQueue = inQueue
        self.inLedger = inLedger
        self.hasLedger = hasLedger
        self.now = now
    }

    /// Whether a duty of its shard is silent, whichever shard that is.
    func isSilent(_ duty: String) -> Bool { silent.contains { $0 == duty || $0.hasPrefix("\(duty)/") } }
}
