import TallyCore

// What whoever enqueued hears of a store's answer, whichever store gave it.

extension Refusal {
    /// - Parameter keys: the mode whose store keeps the unique keys, where this one does not.
    fileprivate func error(_ job: JobRecord, keys: Durability) -> EnqueueError {
        switch self {
        case .idTaken: .idConflict(job.id)
        case .keysElsewhere: .keysElsewhere(job.queue, keys)
        case .layoutNotRaised: .layoutNotRaised(job.id)
        case .full: .full("queue \(job.queue)")
        case .tooLate: .unavailable("the queue refused the push as too late")
        }
    }
}

extension RecordReceipt.Answer {
    /// nil: another job of the call was refused, and that is what is thrown.
    func receipt(of job: JobRecord) -> Result<Receipt, EnqueueError>? {
        if let refusal { return .failure(refusal.error(job, keys: .queued)) }
        return carrier(of: job).map { carrier in
            .success(Receipt(id: carrier, existed: self != .recorded, durability: .recorded))
        }
    }

    /// The job that carries the work.
    private func carrier(of job: JobRecord) -> JobID? {
        switch self {
        case .recorded, .exists: job.id
        case .duplicate(let holder): holder
        case .withheld, .keysElsewhere, .layoutNotRaised: nil
        }
    }
}

extension PushAnswer {
    /// nil: another job of the call was refused, and that is what is thrown.
    func receipt(of job: JobRecord) -> Result<Receipt, EnqueueError>? {
        if let refusal { return .failure(refusal.error(job, keys: .recorded)) }
        return carrier(of: job).map { carrier in
            .success(Receipt(id: carrier, existed: self != .pushed, durability: .queued))
        }
    }

    /// The job that carries the work.
    private func carrier(of job: JobRecord) -> JobID? {
        switch self {
        // Of a job that has ended the queue keeps its end, and no content that could be compared.
        case .pushed, .exists, .ended: job.id
        case .duplicate(let holder): holder
        case .full, .refused, .withheld, .keysElsewhere, .layoutNotRaised: nil
        }
    }
}

extension [Result<Receipt, EnqueueError>?] {
    /// Of jobs that went in together: a receipt each, or the first refusal.
    func receipts() throws(EnqueueError) -> [Receipt] {
        var receipts: [Receipt] = []
        for case .some(let answer) in self { receipts.append(try answer.get()) }
        return receipts
    }
}
