import TallyCore

/// What a pass of the reconciler has, whatever it looks at: what it may do, and what it has met, found and mended so
/// far.
protocol RecordedPass: Sendable {
    var ledger: LedgerStore { get }
    var options: ReconcileOptions { get }
    /// nil: a dry run, or a ledger that keeps none.
    var lease: HeldLease? { get }
    var mostRepairs: Int { get }
    var run: ReconcileRun { get set }
    /// Repairs made: the run counts them among its findings, which is dear while there are many.
    var mended: Int { get set }
    /// Jobs whose repair the queue refuses, whenever it is tried.
    var refused: Set<JobID> { get }
    /// Jobs that were repaired, and not compared since.
    var repaired: Set<JobID> { get set }
    /// Ids that another sweep has found: they are not found twice.
    var claimed: Set<JobID> { get set }
}

extension RecordedPass {
    /// Notes a finding, and mends it where the options allow: while the lease is held, and within the cap. Says
    /// whether it was mended.
    @discardableResult
    mutating func found(
        _ drift: Drift, _ job: JobID?, queue seen: String, ledger row: String, name: String = "",
        detail: String = "", _ repair: () async throws -> Bool
    ) async throws -> Bool {
        var outcome = drift.remedy == .automatic ? "found" : "needs_operator"
        if options.mends(drift) {
            if mended >= mostRepairs {
                run.error =
                    "stopped after \(mostRepairs) repairs: a mass of differences is a restore or a wrong pairing "
                    + "rather than drift; look first, then raise --max-repairs"
            } else {
                try lease?.check()
                let isMade = try await repair()
                let isRefused = job.map(refused.contains) ?? false
                outcome = isMade ? "repaired" : isRefused ? "needs_operator" : "raced"
                if outcome == "repaired" {
                    mended += 1
                    if let job { repaired.insert(job) }
                }
            }
        }
        if let job { claimed.insert(job) }
        run.note(
            ReconcileRun.Finding(
                code: drift.rawValue, job: job, queueView: seen, ledgerView: row, outcome: outcome,
                severity: drift.severity, queue: name, detail: detail))
        return outcome == "repaired"
    }

    /// Notes one of `ReconcilePass.twice`, which a sweep would have mended by its row.
    mutating func foundTwice(
        _ id: JobID, queue seen: String, ledger row: String, name: QueueName?
    ) async throws {
        try await found(
            .idTwice, id, queue: seen, ledger: row, name: name?.text ?? "", detail: Self.twiceDetail(name)
        ) { false }
    }

    /// - Parameter queue: of the row.
    static func twiceDetail(_ queue: QueueName?) -> String {
        "the row is of queue \(queue?.text ?? "?"); ops/runbooks/D38.md"
    }

    /// In the ledger's audit log.
    static func actor(_ drift: Drift) -> String { "reconciler:\(drift.rawValue)" }

    /// Runs a call of the ledger, and counts what it takes.
    func onLedger<Value>(_ body: () async throws -> Value) async throws -> Value {
        let began = ContinuousClock.now
        defer { options.pace?.spend(ledger: .now - began) }
        return try await body()
    }

    /// - Throws: `GaveWay` from a round of `tally serve` for which somebody waits, `Lost` without the lease.
    func rest(jobs: Int) async throws {
        try lease?.check()
        if options.mode == .serve, lease?.isWanted == true { throw RepairLease.GaveWay() }
        guard let pace = options.pace else { return }
        pace.spend(jobs: jobs)
        try await pace.rest()
    }
}

extension ReconcileRun {
    /// As it is recorded while it goes on, for a process that is killed.
    ///
    /// - Parameter what: it is about to do, and nothing else would tell once it is done.
    func underWay(_ what: String? = nil) -> ReconcileRun {
        var run = self
        let end = "has not ended: it goes on, or its process was killed"
        run.error = [end, what, error].compactMap { $0 }.joined(separator: "; ")
        return run
    }
}

/// Keeps the row of a pass: once as it begins, for a process that is killed, and once as it ends, whatever ends it.
struct RunRegister: Sendable {
    let ledger: LedgerStore
    let options: ReconcileOptions

    /// Runs `walk` under the lease to repair where it may repair.
    ///
    /// - Parameter begin: makes the pass. What fails here leaves a row as well: it says when the shard was come to.
    /// - Throws: `RepairLease.Taken` when another reconciler repairs, `HeldLease.Lost` when the lease was lost on
    ///   the way; what the stores throw.
    func keep<Pass: RecordedPass>(
        of shard: Shard?, _ begin: @escaping @Sendable (HeldLease?) async throws -> Pass,
        walk: @escaping @Sendable (inout Pass) async throws -> Void
    ) async throws -> Pass {
        guard let lease = try await RepairLease.take(ledger.leases, for: options) else {
            return try await kept(begun(shard) { try await begin(nil) }, walk)
        }
        return try await lease.during {
            try await RepairFence.$token.withValue(lease.token) {
                try await kept(begun(shard) { try await begin(lease) }, walk)
            }
        }
    }

    private func begun<Pass: RecordedPass>(
        _ shard: Shard?, _ begin: () async throws -> Pass
    ) async throws -> Pass {
        let run = await run(of: shard)
        let began = ContinuousClock.now
        do {
            return try await begin()
        } catch {
            await leave(run, began, error)
            throw error
        }
    }

    private func kept<Pass: RecordedPass>(
        _ begun: Pass, _ walk: @Sendable (inout Pass) async throws -> Void
    ) async throws -> Pass {
        var pass = begun
        let began = ContinuousClock.now
        try await ledger.reconciliation.record(run: pass.run.underWay())
        do {
            try await walk(&pass)
            try pass.lease?.check()
            pass.run.exitCode = Self.exitCode(of: pass.run)
            pass.run.finishedAt = pass.run.startedAt + (ContinuousClock.now - began)
            try await ledger.reconciliation.record(run: pass.run)
            options.ended?(pass.run)
            return pass
        } catch {
            // A lease that is lost cancels the walk: then this is why, not the cancellation.
            var why: any Error = error
            do { try pass.lease?.check() } catch { why = error }
            await leave(pass.run, began, why)
            throw why
        }
    }

    /// A run that says why it stopped, and left nothing of what it found, has not told all there is.
    private static func exitCode(of run: ReconcileRun) -> Int {
        let left = run.left
        if run.inconclusive > 0 || run.error != nil && left == 0 { return 8 }
        return left > 0 ? 4 : run.repaired > 0 ? 1 : 0
    }

    /// Outlives a cancelled caller.
    private func leave(_ run: ReconcileRun, _ began: ContinuousClock.Instant, _ why: any Error) async {
        var run = run
        run.error = Task.isCancelled && !(why is HeldLease.Lost) ? "was cancelled" : "\(why)"
        run.exitCode = 8
        run.finishedAt = run.startedAt + (ContinuousClock.now - began)
        run.isFull = false
        run.wasCompared = false
        options.ended?(run)
        let (ledger, last) = (self.ledger, run)
        // the row of its beginning stands where the ledger is away
        await Task { try? await ledger.reconciliation.record(run: last) }.value
    }

    /// How many repairs a pass may make.
    func mostRepairs() async throws -> Int {
        if options.mode == .dry { return 0 }
        if let given = options.maxRepairs { return given }
        return max(Limits.repairs, try await ledger.inspection.balances().active / 100)
    }

    /// A run as it begins. Its times are the ledger's, since runs of other hosts are laid beside it; this machine's
    /// clock counts only where the ledger tells none.
    ///
    /// - Parameter shard: which is laid beside the ledger; nil = none.
    /// - Parameter history: its own; nil = none, or it is not known yet.
    func run(of shard: Shard?, _ history: QueueHistory? = nil) async -> ReconcileRun {
        let began: Timestamp
        do { began = try await ledger.recording.clock() } catch { began = .now }
        var run = ReconcileRun(
            id: JobID(), startedAt: began, finishedAt: began, mode: options.mode.rawValue,
            epoch: history?.epoch ?? 0, seq: history?.seq ?? 0, scannedQueue: 0, scannedLedger: 0,
            inconclusive: 0, findings: [], exitCode: 8)
        run.shard = shard
        run.actor = options.actor
        run.host = options.host
        return run
    }
}
