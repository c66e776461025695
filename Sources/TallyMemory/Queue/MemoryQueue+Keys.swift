import TallyCore

extension MemoryQueue: QueueKeyHomes {
    public func claimKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyHome] {
        try run("claim keys") { state, now in jobs.map { state.claimKey(of: $0, at: now) } }
    }
    public func takeKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyTaking] {
        try run("take keys") { state, now in jobs.map { state.takeKey(of: $0, at: now) } }
    }
    public func restore(_ homes: [QueueName: KeyHome]) async throws(QueueError) {
        try run("restore homes") { state, _ in state.homes.merge(homes) { known, _ in known } }
    }
}

extension MemoryQueueState {
    private func isHeld(_ slot: UniqueSlot, besides id: JobID, at now: Timestamp) -> Bool {
        unique[slot].map { $0.id != id && $0.isLive(at: now) } ?? false
    }

    fileprivate mutating func claimKey(of job: JobRecord, at now: Timestamp) -> KeyHome {
        if let home = homes[job.queue] { return home }
        let slot = UniqueSlot(queue: job.queue, key: job.unique?.text ?? "")
        let home: KeyHome = isHeld(slot, besides: job.id, at: now) ? .queue : .ledger
        homes[job.queue] = home
        return home
    }

    fileprivate mutating func takeKey(of job: JobRecord, at now: Timestamp) -> KeyTaking {
        let slot = UniqueSlot(queue: job.queue, key: job.unique?.text ?? "")
        let home = claimKey(of: job, at: now)
        if isHeld(slot, besides: job.id, at: now) { return .held }
        if home == .ledger { return .kept }
        unique[slot] = UniqueHolder(id: job.id, until: job.unique?.end(from: now))
        return .taken
    }
}
