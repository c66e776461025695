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
        // What workers told before this was counted anew is in the ledger: what they tell now has room again.
        if told.since <= position { told = (0, log.end) }
        ended.report(applied: position, end: log.end, at: now)
        unique = unique.filter { $0.value.isLive(at: now) }
    }

    /// The state of a worker; what it tells beside that comes first, in an entry of its own, or is left out.
    mutating func heartbeat(_ beat: WorkerBeat, at now: Timestamp) -> BeatAnswer {
        var beat = beat
        let isEarly = beat.isEarly
        beat.isEarly = false
        var hasRoom: Bool?
        if isEarly || beat.lines != nil {
            hasRoom = takeRoom(bytes: beat.toldWeight)
            if hasRoom == true { append(.heartbeat, [], at: now, actor: beat.id.text, beat: beat) }
        }
        if isEarly { return BeatAnswer(hasRoom: hasRoom ?? false) }
        beat.lines = nil
        append(.heartbeat, [], at: now, actor: beat.id.text, beat: beat)
        return BeatAnswer(hasRoom: hasRoom ?? takeRoom(bytes: 0))
    }

    /// Whether what may be left out has room in the log, and takes so much of that. Jobs need the log: a quarter
    /// of it is for what workers tell beside their heartbeats, and so many bytes until the ledger has them.
    private mutating func takeRoom(bytes: Int) -> Bool {
        if told.bytes + bytes > Limits.toldLogBytes || log.entries.count > bounds.logEntries / 4 {
            return false
        }
        told.bytes += bytes
        return true
    }

    /// Whether a worker of these queues would find something to lease now.
    func hasWork(in wanted: [QueueName], at now: Timestamp) -> Bool {
        if isHeld(at: now) { return false }
        if let next = due.next, next <= now { return true }
        if let next = leases.next, next <= now { return true }
        return wanted.contains { !paused.contains($0) && ready[$0]?.isEmpty == false }
    }
}

extension WorkerBeat {
    /// What it holds, nearly, where handlers have told much.
    fileprivate var toldWeight: Int {
        let steps = (vitals?.progress ?? []).reduce(0) { $0 + $1.text.utf8.count + 64 }
        return (lines ?? []).reduce(steps) { $0 + $1.text.utf8.count + 64 }
    }
}
