import TallyCore

/// What an ended run means for its job. Pure; `ErrorRule` tells the order in which it is decided.
///
/// The reason why a handler was asked to stop counts before what it then throws: a handler whose own I/O throws its
/// own kind of "cancelled" fails as little as one that throws `CancellationError`.
enum Ending {
    /// - Parameter lease: the one in force.
    /// - Parameter stop: why the handler was asked to stop; nil = it was not.
    /// - Returns: nil if nothing may be told: another worker may run the job by now.
    static func decide(
        _ result: Result<[UInt8], any Error>, of lease: Lease, job: ReservedJob,
        stop: RunningTable.StopReason?, plan: FailurePlan, now: Timestamp, random: Double
    ) -> Settlement? {
        if stop == .leaseLost { return nil }
        let error: any Error
        switch result {
        // It finished, whatever was asked meanwhile.
        case .success(let bytes): return .ack(lease, result: bytes)
        case .failure(let thrown): error = thrown
        }
        if case JobError.snooze(let time) = error, time <= Limits.farthestRunAt {
            return .release(lease, runAt: now + pause(time))
        }
        if case JobError.stale = error { return .release(lease) }  // refused, if it is as stale as it seems
        switch stop {
        case .workerStops: return .release(lease)
        case .cancelRequested: return .fail(lease, attempts: job.attempts + 1, error: "cancelled")
        case .timedOut:
            let late = RunTimedOut(after: job.record.timeout ?? .zero)
            if case JobError.final = error {
                return .fail(lease, attempts: job.attempts + 1, error: "\(late)")
            }
            return failed(late, of: lease, job, plan, now, random)
        case nil, .leaseLost: return failed(error, of: lease, job, plan, now, random)
        }
    }

    private static func failed(
        _ error: any Error, of lease: Lease, _ job: ReservedJob, _ plan: FailurePlan, _ now: Timestamp,
        _ random: Double
    ) -> Settlement {
        // Such as of a result that cannot be encoded: what these quote is a payload, and this is stored and told.
        var text = CodingFailure.known(error) ?? "\(error)"
        var (isFinal, delay, asked) = (false, nil as Duration?, Duration.zero)
        switch error {
        case JobError.final: isFinal = true
        case JobError.snooze(let time): text = tooFar(time)
        case JobError.retry(_, let after): asked = after
        default:
            switch plan.verdict(on: error) {
            case nil: break
            case .fail?: isFinal = true
            case .retry(let after)?: delay = after
            case .snooze(let time)? where time <= Limits.farthestRunAt:
                return .release(lease, runAt: now + pause(time))
            case .snooze(let time)?: text = tooFar(time)
            }
        }
        let attempts = job.attempts + 1
        func decision(_ delay: Duration?) -> FailureDecision? {
            plan.retries?.decide(
                attempts: attempts, jobMax: job.record.maxAttempts, isFinal: isFinal,
                elapsed: now - job.record.firstBegin, delay: delay, random: random)
        }
        var decided = decision(delay)
        // What the job asked for counts towards the time that its retries may take in all.
        if case .retry(let own)? = decided, own < asked { decided = decision(asked) }
        switch decided {
        case nil, .fail?: return .fail(lease, attempts: attempts, error: text)
        case .retry(let delay)?:
            return .retry(
                lease, runAt: now + min(delay, Limits.farthestRunAt), attempts: attempts, error: text)
        }
    }

    /// A snooze counts as no attempt, so nothing else would ever end a handler that snoozes for no time at all.
    private static func pause(_ time: Duration) -> Duration { max(time, Limits.snoozeLeast) }

    private static func tooFar(_ time: Duration) -> String {
        "snooze: \(time.microseconds) µs is not within now and ten years"
    }

    /// For observers. Only an answer that was lost, or never came, is unknown; a refusal is told as one.
    static func name(_ answer: Result<SettleAnswer, QueueError>) -> String {
        switch answer {
        case .success(.settled(let status)): status.rawValue
        case .success(.repeated): "completed"
        case .success(.refused(let why)): "refused: \(why)"
        case .success(.failed(let error)): name(.failure(error))
        case .failure(let error) where error.code == .invalid: "refused: \(error)"
        case .failure(let error) where error.code == .damaged: "unknown: \(error)"
        case .failure: "unknown: the store was away until the lease ran out"
        }
    }
}

extension JobRecord {
    /// When it could begin for the first time: from here on a policy counts the time of all attempts.
    fileprivate var firstBegin: Timestamp { runAt.map { max($0, createdAt) } ?? createdAt }
}
