import TallyCore

// What whoever enqueued hears of a store's answer, whichever store gave it.

extension RecordReceipt.Answer {
    func receipt(of job: JobRecord) -> Result<Receipt, EnqueueError> {
        switch self {
        case .recorded: .success(Receipt(id: job.id, existed: false, durability: .recorded))
        case .exists(same: true): .success(Receipt(id: job.id, existed: true, durability: .recorded))
        case .duplicate(let holder): .success(Receipt(id: holder, existed: true, durability: .recorded))
        case .exists(same: false), .withheld: .failure(.idConflict(job.id))
        case .keysElsewhere: .failure(.keysElsewhere(job.queue, .queued))
        case .layoutNotRaised: .failure(.layoutNotRaised(job.id))
        }
    }
}

extension PushAnswer {
    /// nil: another job of the call was refused, and that is what is thrown.
    func receipt(of job: JobRecord) -> Result<Receipt, EnqueueError>? {
        switch self {
        case .pushed: .success(Receipt(id: job.id, existed: false, durability: .queued))
        // Of a job that has ended the queue keeps its end, and no content that could be compared.
        case .exists(same: true), .ended: .success(Receipt(id: job.id, existed: true, durability: .queued))
        case .duplicate(let holder): .success(Receipt(id: holder, existed: true, durability: .queued))
        case .exists(same: false): .failure(.idConflict(job.id))
        case .keysElsewhere: .failure(.keysElsewhere(job.queue, .recorded))
        case .layoutNotRaised: .failure(.layoutNotRaised(job.id))
        case .full: .failure(.full("queue \(job.queue)"))
        case .refused: .failure(.unavailable("the queue refused the push as too late"))
        case .withheld: nil
        }
    }
}
