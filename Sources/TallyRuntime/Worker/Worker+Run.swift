import TallyCore

extension Worker {
    /// One job, from its handler to its settlement.
    func perform(_ job: ReservedJob, _ key: RunningTable.Key) async {
        guard let handler = handlers[job.record.type] else { return settleUnknown(job, key) }
        guard let codec = configuration.codecs.first(where: { $0.name == job.record.codec }) else {
            return settle(
                job, key, .failure(JobError.final("no codec named \(job.record.codec) on this worker")), nil)
        }
        let context = JobContext(job, worker: configuration.id, codec: codec, ledger: ledger)
        observer.jobStarted(job, worker: configuration.id)
        let began = ContinuousClock.now
        let timer = job.record.timeout.map { timeout in
            Task.detached {
                try await Task.sleep(for: timeout)
                self.stop(key, .timedOut)
                try await Task.sleep(for: self.configuration.timeoutGrace)
                // It ignores its cancellation: its end, if it ever comes, counts for nothing.
                let result = await context.verdict(on: CancellationError())
                self.settle(job, key, result, handler.retries, ran: .now - began)
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
        settle(job, key, result, handler.retries, ran: .now - began)
    }

    func stop(_ key: RunningTable.Key, _ reason: RunningTable.StopReason) {
        state.withLock { $0.table.stop(key, reason) }?.cancel()
    }

    private func settle(
        _ job: ReservedJob, _ key: RunningTable.Key, _ result: Result<[UInt8], any Error>,
        _ retries: (any RetryPolicy)?, ran: Duration = .zero
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
        if settled.stop == .leaseLost {
            // Another may run it by now: whatever happened here must not be reported.
            forget(key)
            observer.jobEnded(job, worker: id, outcome: "lease lost", ran: ran)
            return
        }
        let now = Timestamp(microseconds: Timestamp.now.microseconds + skew)
        let ending = Ending.decide(
            result, job: job, stop: settled.stop, retries: retries, now: now, random: .random(in: 0..<1))
        lane.add(
            Settlement(lease: settled.lease, ending: ending, deadline: deadline) { [self] answer in
                forget(key)
                observer.jobEnded(job, worker: id, outcome: Ending.name(answer), ran: ran)
            })
    }

    private func settleUnknown(_ job: ReservedJob, _ key: RunningTable.Key) {
        switch configuration.unknownType {
        case .fail:
            settle(
                job, key, .failure(JobError.final("no handler for \(job.record.type) on this worker")), nil)
        case .release(let time): settle(job, key, .failure(JobError.snooze(time)), nil)
        }
    }

    private func forget(_ key: RunningTable.Key) {
        let unsettled = state.withLock { state in
            state.table.remove(key)
            return state.table.unsettled
        }
        if unsettled == Limits.unsettled - 1 { changed.post() }
    }
}

/// What an ended run means. Pure.
enum Ending {
    static func decide(
        _ result: Result<[UInt8], any Error>, job: ReservedJob, stop: RunningTable.StopReason?,
        retries: (any RetryPolicy)?, now: Timestamp, random: Double
    ) -> Settlement.Ending {
        let error: any Error
        switch result {
        case .success(let bytes): return .ack(bytes)  // it finished, whatever was asked meanwhile
        case .failure(let thrown): error = thrown
        }
        let attempts = job.attempts + 1
        var text = "\(error)"
        switch (error, stop) {
        case (JobError.snooze(let time), _): return .release(now + time)
        case (JobError.stale, _): return .release(nil)  // refused, if it is as stale as it seems
        case (_, .cancelRequested): return .fail(attempts: attempts, error: "cancelled")
        case (is CancellationError, .workerStops): return .release(nil)
        case (_, .timedOut): text = "timed out after \(job.record.timeout ?? .zero)"
        default: break
        }
        var isFinal = false
        if case JobError.final = error { isFinal = true }
        guard let retries else { return .fail(attempts: attempts, error: text) }
        switch retries.decide(
            attempts: attempts, jobMax: job.record.maxAttempts, isFinal: isFinal, random: random)
        {
        case .fail: return .fail(attempts: attempts, error: text)
        case .retry(let delay): return .retry(runAt: now + delay, attempts: attempts, error: text)
        }
    }

    static func name(_ answer: SettleAnswer?) -> String {
        switch answer {
        case .settled(let status): status.rawValue
        case .repeated: "completed"
        case .refused(let why): "refused: \(why)"
        case nil: "unknown: the store was away until the lease ran out"
        }
    }
}
