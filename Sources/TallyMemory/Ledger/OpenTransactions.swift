import TallyCore

/// The open transactions of a memory ledger: what each has done so far, and what it locks. Pure.
///
/// Nothing that a transaction did stands in the ledger's state before its commit, which does the same steps again.
/// The locks see to it that they answer there what they answered here.
struct OpenTransactions: Sendable {
    /// What a statement of the SQL twin would wait for.
    enum Lock: Hashable, Sendable {
        case job(JobID)
        case slot(UniqueSlot)
        case effect(JobID)
        case rows

        /// Those of jobs that are to be recorded.
        static func of(_ jobs: [JobRecord]) -> [Lock] {
            jobs.flatMap { job in [.job(job.id)] + (job.slot.map { [.slot($0)] } ?? []) }
        }
    }

    enum Step: Sendable {
        /// `outbox`: the number that its outbox rows follow.
        case record([JobRecord], at: Timestamp, after: Int64)
        case effect(JobID, result: [UInt8])
    }

    struct Transaction: Sendable {
        var steps: [Step] = []
        /// The user's rows as this transaction sees them; nil = as they are committed.
        var rows: MemoryRows?
        /// A step of it threw: it can only be rolled back.
        var hasFailed = false
        /// The transaction whose end its next step waits for.
        var waitsFor: Int?
    }

    private(set) var open: [Int: Transaction] = [:]
    private var holders: [Lock: Int] = [:]
    private var last = 0

    subscript(id: Int) -> Transaction? {
        get { open[id] }
        set { open[id] = newValue }
    }

    mutating func begin() -> Int {
        last += 1
        open[last] = Transaction()
        return last
    }

    mutating func lock(_ locks: [Lock], for id: Int) {
        for lock in locks { holders[lock] = id }
    }

    /// Another transaction that holds one of the locks.
    func holder(of locks: [Lock], besides own: Int?) -> Int? {
        if holders.isEmpty { return nil }
        for lock in locks {
            if let holder = holders[lock], holder != own { return holder }
        }
        return nil
    }

    /// Whether `id` would wait for itself if it waited for `holder`.
    func isDeadlock(_ id: Int, waitingFor holder: Int) -> Bool {
        var next: Int? = holder
        while let holder = next {
            if holder == id { return true }
            next = open[holder]?.waitsFor
        }
        return false
    }

    /// Frees its locks. Answers what it did.
    mutating func end(_ id: Int) -> Transaction? {
        holders = holders.filter { $0.value != id }
        return open.removeValue(forKey: id)
    }
}

extension MemoryLedgerState {
    /// Does a transaction's step, or does it again at the commit.
    mutating func `do`(_ step: OpenTransactions.Step) {
        switch step {
        case .record(let jobs, let now, let after):
            let reached = lastOutbox
            lastOutbox = after
            _ = record(jobs, at: now)
            lastOutbox = max(reached, lastOutbox)
        case .effect(let id, let result): effects[id] = result
        }
    }
}
