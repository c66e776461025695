import TallyCore

/// What an ended run means for its job. Pure.
///
/// The reason why a handler was asked to stop counts before what it then throws: a handler whose own I/O throws its
/// own kind of "cancelled" fails as little as one that throws `CancellationError`.
enum Ending {
    /// - Parameter lease: the one in force.
    /// - Parameter stop: why the handler was asked to stop; nil = it was not.
    /// - Parameter retries: nil = the first failure is final.
    /// - Returns: nil if nothing may be told: another worker may run the job by now.
    static func decide(
        _ result: Result<[UInt8], any Error>, of lease: Lease, job: ReservedJob,
        stop: RunningTable.StopReason?,
        retries: (any RetryPolicy)?, now: Timestamp, random: Double
    ) -> Settlement? {
        if stop == .leaseLost { return nil }
        let error: any Error
        switch result {
        // It finished, whatever was asked meanwhile.
        case .success(let bytes): return .ack(lease, result: bytes)
        case .failure(let thrown): error = thrown
        }
        if case JobError.snooze(let time) = error, time <= Limits.farthestRunAt {
            return .release(lease, runAt: now + time)
        }
        if case JobError.stale = error { return .release(lease) }  // refused, if it is as stale as it seems
        let attempts = job.attempts + 1
        switch stop {
        case .workerStops: return .release(lease)
        case .cancelRequested: return .fail(lease, attempts: attempts, error: "cancelled")
        case .timedOut:
            let text = "timed out after \(job.record.timeout ?? .zero)"
            return failed(text, error, of: lease, attempts, job, retries, now, random)
        case nil, .leaseLost:
            var text = "\(error)"
            if case JobError.snooze(let time) = error {
                text = "snooze: \(time.microseconds) µs is not within now and ten years"
            }
            return failed(text, error, of: lease, attempts, job, retries, now, random)
        }
    }

    private static func failed(
        _ text: String, _ error: any Error, of lease: Lease, _ attempts: Int, _ job: ReservedJob,
        _ retries: (any RetryPolicy)?, _ now: Timestamp, _ random: Double
    ) -> Settlement {
        var isFinal = false
        if case JobError.final = error { isFinal = true }
        guard let retries else { return .fail(lease, attempts: attempts, error: text) }
        switch retries.decide(
            attempts: attempts, jobMax: job.record.maxAttempts, isFinal: isFinal, random: random)
        {
        case .fail: return .fail(lease, attempts: attempts, error: text)
        case .retry(var delay):
            if case JobError.retry(_, let asked) = error { delay = max(delay, asked) }
            return .retry(
                lease, runAt: now + min(delay, Limits.farthestRunAt), attempts: attempts, error: text)
        }
    }

    /// For observers. Only an answer that was lost, or never came, is unknown; a refusal is told as one.
    static func name(_ answer: Result<SettleAnswer, QueueError>) -> String {
        switch answer {
        case .success(.settled(let status)): status.rawValue
        case .success(.repeated): "completed"
        case .success(.refused(let why)): "refused: \(why)"
        case .success(.failed(let error)): name(.failure(error))
        case .failure(let error) where error.code == .invalid: "refused: \(error)"
        case .failure(let error) where error.meetsDamage: "unknown: \(error)"
        case .failure: "unknown: the store was away until the lease ran out"
        }
    }
}
