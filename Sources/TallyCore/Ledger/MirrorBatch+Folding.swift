extension MirrorBatch {
    /// Folds entries that follow `after` into one batch: every transition as an event, and each job's last state.
    ///
    /// Within the batch the same guard decides as in the ledger (`RowGuard`): after the loss of a server, entries of
    /// an old history may stand beside those of a new one. Pure; checks no gaps: that is the mirror's task.
    public init(folding entries: [LogEntry], after: LogPosition) {
        self.init(after: after, upTo: entries.last?.position ?? after)
        var fold = Fold()
        for entry in entries {
            if let beat = entry.beat { beats.append((beat, entry.at, entry.position)) }
            for move in entry.moves {
                if let bytes = move.unreadable {
                    unreadable.append((move.id, entry.position, bytes))
                    continue
                }
                events.append(JobEvent(move, of: entry))
                // A change of a job that is held tells its record too, and nothing of where its key is kept.
                if entry.verb == .push, move.from == nil, let record = move.record, record.unique != nil {
                    keyHomes.insert(record.queue)
                }
                fold.add(move, of: entry)
            }
        }
        created = fold.created
        changed = fold.changed
    }
}

extension JobEvent {
    fileprivate init(_ move: Move, of entry: LogEntry) {
        self.init(
            job: move.id, position: entry.position, at: entry.at, verb: entry.verb, from: move.from,
            to: move.to,
            version: move.version, attempts: move.attempts, actor: entry.actor, error: move.error)
    }
}

/// The last state of each job, in the order in which jobs first appear.
private struct Fold {
    private var order: [JobID] = []
    private var records: [JobID: JobRecord] = [:]
    private var changes: [JobID: RowChange] = [:]

    var created: [JobSnapshot] {
        order.compactMap { id in
            guard let record = records[id], let change = changes[id] else { return nil }
            return JobSnapshot(record: record, change)
        }
    }
    var changed: [RowChange] { order.compactMap { records[$0] == nil ? changes[$0] : nil } }

    mutating func add(_ move: Move, of entry: LogEntry) {
        // A change tells the record of a job that the ledger has, for its new priority: it begins no row. Where its
        // push is lost the reconciler has the queue tell the whole.
        let isChange = entry.verb == .push && move.from != nil
        if !isChange, let record = move.record, records[move.id] == nil { records[move.id] = record }
        guard var change = changes[move.id] else {
            order.append(move.id)
            changes[move.id] = RowChange(move, of: entry)
            return
        }
        let row = RowGuard(
            status: change.status, epoch: change.epoch, version: change.version, seq: change.seq, floor: 0)
        guard row.yields(toEpoch: entry.position.epoch, version: move.version, seq: entry.position.seq) else {
            return
        }
        change.take(move, of: entry)
        changes[move.id] = change
    }
}

extension RowChange {
    fileprivate init(_ move: Move, of entry: LogEntry) {
        self.init(id: move.id, position: entry.position, version: move.version, status: move.to, at: entry.at)
        take(move, of: entry)
    }

    fileprivate mutating func take(_ move: Move, of entry: LogEntry) {
        epoch = entry.position.epoch
        seq = entry.position.seq
        version = move.version
        status = move.to
        at = entry.at
        // A repair that tells how a leased job stands knows neither its worker nor when it began: itself, and now.
        if entry.verb == .lease || entry.verb == .repair && move.to == .processing && move.crashes != nil {
            startedAt = entry.at
            workerID = entry.actor
        }
        completedAt = move.to.isTerminal ? entry.at : nil
        if let time = move.runAt { scheduledAt = time }
        if let value = move.attempts { attempts = value }
        if let value = move.crashes { crashes = value }
        if let text = move.error { error = text }
        if let bytes = move.result { result = bytes }
        // All of a record that a change of a held job may have made another.
        if move.from != nil, let record = move.record { priority = record.priority }
    }
}

extension JobSnapshot {
    /// A row as the change leaves it; what the change does not name is as the record began.
    package init(record: JobRecord, _ change: RowChange) {
        self.init(
            record: record, status: change.status, version: change.version, attempts: record.attempts,
            runAt: record.runAt)
        apply(change)
    }

    /// Writes the change over the row. Whether it may is the guard's question, asked before.
    package mutating func apply(_ change: RowChange) {
        status = change.status
        version = change.version
        epoch = change.epoch
        seq = change.seq
        updatedAt = change.at
        startedAt = change.startedAt ?? startedAt
        completedAt = change.status.isTerminal ? change.completedAt ?? change.at : nil
        runAt = change.scheduledAt ?? runAt
        record.priority = change.priority ?? record.priority
        workerID = change.workerID.map { WorkerID($0) } ?? workerID
        attempts = change.attempts ?? attempts
        crashes = change.crashes ?? crashes
        if let text = change.error {
            error = text
            // The reason why a job was cancelled is no failure.
            if change.status != .cancelled { failedAt = change.at }
        }
        result = change.result ?? result
    }
}
