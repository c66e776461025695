import TallyCore

extension JobContext {
    /// A context for a test of a handler, without a queue and without a worker.
    ///
    ///     let context = try JobContext(testing: SendInvoice(order: 7), attempt: 2)
    ///     let outcome = await JobHandler(SendInvoice.self).outcome(of: context)
    ///
    /// - Parameters:
    ///   - job: encoded by `codec`, and decoded again by the handler, as a worker does.
    ///   - attempt: 1 for the first; the failures so far are one fewer.
    ///   - ledger: for a handler with an effect of its own, such as `MemoryLedger`.
    /// - Throws: what the codec throws.
    public convenience init<J: Job>(
        testing job: J, id: JobID = JobID(), attempt: Int = 1, crashes: Int = 0, tags: [String] = [],
        worker: WorkerID = WorkerID("test"), codec: any JobCodec = JSONCodec(),
        ledger: (any LedgerTransactions)? = nil
    ) throws {
        let policy = J.policy
        let record = JobRecord(
            id: id, type: J.jobType, queue: policy.queue, priority: policy.priority,
            body: try codec.encode(job), codec: codec.name, timeout: policy.timeout,
            maxAttempts: policy.attempts, maxCrashes: policy.maxCrashes, tags: tags)
        self.init(
            testing: record, attempt: attempt, crashes: crashes, worker: worker, codec: codec, ledger: ledger)
    }

    /// The same, of a job of any type by its record.
    public convenience init(
        testing record: JobRecord, attempt: Int = 1, crashes: Int = 0, worker: WorkerID = WorkerID("test"),
        codec: any JobCodec = JSONCodec(), ledger: (any LedgerTransactions)? = nil
    ) {
        let failures = max(0, attempt - 1)
        // Every lease has the next version; the push has the first.
        let lease = Lease(
            id: record.id, version: failures + max(0, crashes) + 2, epoch: 1,
            expiresAt: .now + Limits.lease)
        self.init(
            ReservedJob(record: record, lease: lease, attempts: failures, crashes: max(0, crashes)),
            worker: worker, codec: codec, ledger: ledger)
    }
}

extension JobHandler {
    /// Runs it and says what a worker would report: for tests. The job's timeout does not count here.
    ///
    /// Cancel the task that calls it, and the outcome is that of a worker which stops.
    ///
    /// - Parameter random: uniform in 0..<1, for the spread of the delay before the next attempt; 0.5 is the delay
    ///   without spread.
    /// - Parameter errors: the rules of that worker, `WorkerConfiguration.errors`: asked after the handler's own.
    /// - Parameter clock: asked once the run has ended, for the time that its attempts have taken in all.
    public func outcome(
        of context: JobContext, random: Double = 0.5, errors rules: [ErrorRule] = [],
        clock: @Sendable () -> Timestamp = { .now }
    ) async -> RunOutcome {
        let result: Result<[UInt8], any Error> = await withTaskCancellationHandler {
            do {
                try await run(context, context.codec)
                return .success(context.result)
            } catch {
                return await context.verdict(on: error)
            }
        } onCancel: {
            context.noteCancellation()
        }
        let now = clock()
        let settlement = Ending.decide(
            result, of: context.job.lease, job: context.job, stop: context.wasCancelled ? .workerStops : nil,
            plan: FailurePlan(retries: retries, rules: errors + rules), now: now, random: random)
        // Only a lost lease has none, and none is lost here.
        guard let settlement else { return .release(after: .zero) }
        return RunOutcome(settlement, now: now)
    }
}
