import TallyCore

extension MemoryQueueState {
    /// A new history over what the queue holds: its first entry names where the one before it ended. Surviving leases
    /// keep their tokens and stay valid. One that is held still was not compared, so its loss is missing yet.
    mutating func startEpoch(_ number: Int64, held: Bool, at now: Timestamp) {
        let before = log.end.isStart ? nil : log.end
        let wasHeld = isHeld(at: now)
        epoch = number
        epochBegan = now
        holdsLeases = held
        log.append(epoch: epoch) {
            LogEntry(position: $0, verb: .epoch, at: now, predecessor: before, losesMore: wasHeld)
        }
    }

    mutating func open(epoch number: Int64) {
        guard number == epoch, holdsLeases else { return }
        holdsLeases = false
        woken.formUnion(ready.keys)
    }

    func history(at now: Timestamp) -> QueueHistory {
        QueueHistory(
            shard: part.shard, epoch: epoch, seq: log.end.seq, isHeld: isHeld(at: now), now: now,
            logLength: log.entries.count)
    }

    mutating func report(applied position: LogPosition, at now: Timestamp) {
        log.trim(upTo: position)
        ended.report(applied: position, end: log.end, at: now)
        unique = unique.filter { $0.value.isLive(at: now) }
    }

    /// Whether a worker of these queues would find something to lease now.
    func hasWork(in wanted: [QueueName], at now: Timestamp) -> Bool {
        if isHeld(at: now) { return false }
        if let next = due.next, next <= now { return true }
        if let next = leases.next, next <= now { return true }
        return wanted.contains { !paused.contains($0) && ready[$0]?.isEmpty == false }
    }
}
