import TallyCore

/// What became of the attempts of one worker since it started. Pure.
struct RunCounts: Sendable {
    private(set) var done = 0
    private(set) var failed = 0
    private(set) var lastError: String?

    /// Counts what the queue has taken. An end that it refused is no longer this worker's, and one that came to a
    /// cancellation is neither.
    mutating func count(_ settlement: Settlement, _ answer: Result<SettleAnswer, QueueError>) {
        switch answer {
        case .success(.settled(.cancelled)): return
        case .success(.settled), .success(.repeated): break
        case .success(.refused), .success(.failed), .failure: return
        }
        switch settlement {
        case .ack: done += 1
        case .retry(_, _, _, let error, _), .fail(_, _, let error):
            failed += 1
            lastError = ErrorText.clean(error, upTo: Limits.toldErrorBytes)
        case .release: break
        }
    }
}
