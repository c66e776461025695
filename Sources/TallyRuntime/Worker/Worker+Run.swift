import TallyCore

extension Worker {
    /// One job, from its handler to its settlement.
    func perform(_ job: ReservedJob, _ key: RunningTable.Key) async {
        guard let handler = handlers[job.record.type] else { return settleUnknown(job, key) }
        guard let codec = configuration.codecs.first(where: { $0.name == job.record.codec }) else {
            return settle(
                job, key, .failure(JobError.final("no codec named \(job.record.codec) on this worker")), .once
            )
        }
        let context = JobContext(
            job, worker: configuration.id, codec: codec, ledger: ledger, hooks: hooks(of: job, key))
        let plan = FailurePlan(retries: handler.retries, rules: handler.errors + configuration.errors)
        observer.jobStarted(job, worker: configuration.id)
        let began = ContinuousClock.now
        let timer = job.record.timeout.map { timeout in
            Task.detached {
                try await Task.sleep(for: timeout)
                self.stop(key, .timedOut)
                try await Task.sleep(for: self.configuration.timeoutGrace)
                // It ignores its cancellation: its end, if it ever comes, counts for nothing.
                let result = await context.verdict(on: CancellationError())
                self.settle(job, key, result, plan, ran: .now - began)
            }
        }
        let result: Result<[UInt8], any Error>
        do {
            try await handler.run(context, codec)
            result = .success(context.result)
        } catch {
            result = await context.verdict(on: error)
        }
        timer?.cancel()
        settle(job, key, result, plan, ran: .now - began)
    }

    private func hooks(of job: ReservedJob, _ key: RunningTable.Key) -> JobContext.Hooks {
        var hooks = JobContext.Hooks()
        hooks.progress = { [self] in tell($0, $1, of: job, key) }
        hooks.line = { [self] in log($0, $1, of: job.lease) }
        return hooks
    }

    private func log(_ number: Int, _ text: String, of lease: Lease) {
        let isKept = state.withLock { state in
            let now = Timestamp(microseconds: Timestamp.now.microseconds + state.skew)
            let line = AttemptLine(
                job: lease.id, epoch: lease.epoch, version: lease.version, number: number, at: now, text: text
            )
            guard state.lines.add(line, of: lease.shard) else { return false }
            state.news.insert(lease.shard)
            return true
        }
        if isKept { told.post() }
    }

    /// What a handler says goes along with a report soon, however often it says so.
    private func tell(_ fraction: Double, _ text: String, of job: ReservedJob, _ key: RunningTable.Key) {
        let isNew = state.withLock { state in
            let now = Timestamp(microseconds: Timestamp.now.microseconds + state.skew)
            let progress = JobProgress(
                job: job.record.id, version: job.lease.version, fraction: fraction, text: text, at: now)
            // Where the log has no room it goes along with the next heartbeat.
            guard state.table.note(progress, of: key), state.lines.mayTell(job.lease.shard) else {
                return false
            }
            state.news.insert(job.lease.shard)
            return true
        }
        if isNew { told.post() }
    }

    func stop(_ key: RunningTable.Key, _ reason: RunningTable.StopReason) {
        state.withLock { $0.table.stop(key, reason) }?.cancel()
    }

    private func settle(
        _ job: ReservedJob, _ key: RunningTable.Key, _ result: Result<[UInt8], any Error>,
        _ plan: FailurePlan, ran: Duration = .zero
    ) {
        let (settled, skew, deadline) = state.withLock { state in
            let deadline = state.table.entries[key]?.deadline ?? .now
            return (state.table.settle(key), state.skew, deadline)
        }
        guard let settled else { return }
        defer {
            state.withLock { $0.table.free(key) }
            changed.post()
        }
        let now = Timestamp(microseconds: Timestamp.now.microseconds + skew)
        let settlement = Ending.decide(
            result, of: settled.lease, job: job, stop: settled.stop, plan: plan, now: now,
            random: .random(in: 0..<1))
        guard let settlement else {
            forget(key)
            observer.jobEnded(job, worker: id, outcome: "lease lost", ran: ran)
            return
        }
        state.withLock { $0.table.owe(key, bytes: settlement.bytes) }
        let send: SettleChain.Send = { [self] answered in
            lane(of: settlement.lease).add(
                OwedSettlement(
                    settlement: settlement, deadline: deadline,
                    done: { [self] answer in
                        state.withLock { $0.counts.count(settlement, answer) }
                        forget(key)
                        observer.jobEnded(job, worker: id, outcome: Ending.name(answer), ran: ran)
                        answered(answer)
                    }, extended: { [self] in state.withLock { $0.table.entries[key]?.deadline } }))
        }
        if settleChain.isEmpty { return send { _ in } }
        let outcome = RunOutcome(settlement, now: now)
        settleChain.pass(SettleCall(job: job, worker: id, outcome: outcome, ran: ran), send)
    }

    /// Hands a job back whose handler ignores its cancellation. The release waits until this process has ended, so
    /// that the next attempt does not run beside this one; what this one does later counts for nothing here, and the
    /// fence tells outside systems which of the two is the newer.
    func handBack(_ key: RunningTable.Key) {
        guard let job = state.withLock({ $0.table.entries[key]?.job }) else { return }
        settle(job, key, .failure(JobError.snooze(Limits.stop)), .once)
    }

    private func settleUnknown(_ job: ReservedJob, _ key: RunningTable.Key) {
        state.withLock { $0.unknown.count(job.record.type) }
        let error: JobError
        switch configuration.unknownType {
        case .fail: error = .final("no handler for \(job.record.type) on this worker")
        case .release(let first):
            error = .snooze(UnknownTypes.delay(job, first: first, random: .random(in: 0..<1)))
        }
        settle(job, key, .failure(error), .once)
    }

    private func forget(_ key: RunningTable.Key) {
        let mayGoOn = state.withLock { state in
            let owedTooMuch = state.table.owesTooMuch
            state.table.remove(key)
            return owedTooMuch && !state.table.owesTooMuch
        }
        if mayGoOn { changed.post() }
    }
}
