import TallyCore

/// What an ended run means for its job. Pure.
///
/// The reason why a handler was asked to stop counts before what it then throws: a handler whose own I/O throws its
/// own kind of "cancelled" fails as little as one that throws `CancellationError`.
enum Ending {
    /// - Parameter stop: why the handler was asked to stop; nil = it was not.
    /// - Parameter retries: nil = the first failure is final.
    /// - Returns: nil if nothing may be told: another worker may run the job by now.
    static func decide(
        _ result: Result<[UInt8], any Error>, job: ReservedJob, stop: RunningTable.StopReason?,
        retries: (any RetryPolicy)?, now: Timestamp, random: Double
    ) -> Settlement.Ending? {
        if stop == .leaseLost { return nil }
        let error: any Error
        switch result {
        case .success(let bytes): return .ack(bytes)  // it finished, whatever was asked meanwhile
        case .failure(let thrown): error = thrown
        }
        if case JobError.snooze(let time) = error, time <= Limits.farthestRunAt {
            return .release(now + time)
        }
        if case JobError.stale = error { return .release(nil) }  // refused, if it is as stale as it seems
        let attempts = job.attempts + 1
        switch stop {
        case .workerStops: return .release(nil)
        case .cancelRequested: return .fail(attempts: attempts, error: "cancelled")
        case .timedOut:
            let text = "timed out after \(job.record.timeout ?? .zero)"
            return failed(text, error, attempts, job, retries, now, random)
        case nil, .leaseLost:
            var text = "\(error)"
            if case JobError.snooze(let time) = error {
                text = "snooze: \(time.microseconds) µs is not within now and ten years"
            }
            return failed(text, error, attempts, job, retries, now, random)
        }
    }

    private static func failed(
        _ text: String, _ error: any Error, _ attempts: Int, _ job: ReservedJob,
        _ retries: (any RetryPolicy)?, _ now: Timestamp, _ random: Double
    ) -> Settlement.Ending {
        var isFinal = false
        if case JobError.final = error { isFinal = true }
        guard let retries else { return .fail(attempts: attempts, error: text) }
        switch retries.decide(
            attempts: attempts, jobMax: job.record.maxAttempts, isFinal: isFinal, random: random)
        {
        case .fail: return .fail(attempts: attempts, error: text)
        case .retry(let delay):
            return .retry(runAt: now + min(delay, Limits.farthestRunAt), attempts: attempts, error: text)
        }
    }

    /// For observers. Only an answer that was lost, or never came, is unknown; a refusal is told as one.
    static func name(_ answer: Result<SettleAnswer, QueueError>) -> String {
        switch answer {
        case .success(.settled(let status)): status.rawValue
        case .success(.repeated): "completed"
        case .success(.refused(let why)): "refused: \(why)"
        case .failure(let error) where error.code == .invalid: "refused: \(error)"
        case .failure(let error) where error.meetsDamage: "unknown: \(error)"
        case .failure: "unknown: the store was away until the lease ran out"
        }
    }
}
