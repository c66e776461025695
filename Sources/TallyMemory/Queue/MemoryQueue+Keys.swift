import TallyCore

extension MemoryQueue: QueueKeyHomes {
    public func epochWithoutKeyHomes() async throws(QueueError) -> Int64? {
        try run("untold") { state, _ in state.isTold ? nil : state.epoch }
    }
    public func restore(_ homes: [QueueName: KeyHome], epoch: Int64, isLast: Bool) async throws(QueueError)
        -> Bool
    {
        try run("restore homes") { state, _ in
            if state.epoch != epoch { return false }
            state.homes.merge(homes) { known, told in told == .queue ? told : known }
            if isLast { state.keyHomesEpoch = epoch }
            return true
        }
    }
    public func claimKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyHome]? {
        try run("claim keys") { state, now in
            state.isTold ? jobs.map { state.claimKey(of: $0, at: now) } : nil
        }
    }
    public func takeKeys(of jobs: [JobRecord]) async throws(QueueError) -> [KeyTaking]? {
        try run("take keys") { state, now in
            state.isTold ? jobs.map { state.takeKey(of: $0, at: now) } : nil
        }
    }
    public func noteKeys(of queues: [QueueName]) async throws(QueueError) -> [KeyHome]? {
        try run("note keys") { state, _ in state.isTold ? queues.map { state.noteKeys(of: $0) } : nil }
    }
}

extension MemoryQueueState {
    private func isHeld(_ slot: UniqueSlot, besides id: JobID, at now: Timestamp) -> Bool {
        unique[slot].map { $0.id != id && $0.isLive(at: now) } ?? false
    }

    fileprivate var isTold: Bool { keyHomesEpoch == epoch }

    fileprivate mutating func noteKeys(of queue: QueueName) -> KeyHome {
        let home = homes[queue] ?? .queue
        homes[queue] = home
        return home
    }

    fileprivate mutating func claimKey(of job: JobRecord, at now: Timestamp) -> KeyHome {
        let slot = UniqueSlot(queue: job.queue, key: job.unique?.text ?? "")
        let held: KeyHome? = isHeld(slot, besides: job.id, at: now) ? .queue : nil
        let home = homes[job.queue] ?? held ?? .ledger
        homes[job.queue] = home
        return held ?? home
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
