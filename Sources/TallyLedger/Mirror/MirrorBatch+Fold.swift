import TallyCore

/// The log does not continue where the ledger stands.
public struct LogGap: Error, Hashable, Sendable, CustomStringConvertible {
    public let after: LogPosition
    public let found: LogPosition
    public var description: String {
        "the log continues at \(found), but the ledger stands at \(after): entries between them are gone"
    }
}

extension MirrorBatch {
    /// Folds entries into one row change a job, in order. Pure.
    ///
    /// - Throws: `LogGap` when the entries are not dense from `after` on. A new epoch may follow any position.
    public init(folding entries: [LogEntry], after: LogPosition) throws(LogGap) {
        self.init(after: after, upTo: after)
        var fold = Fold()
        for entry in entries {
            let follows = entry.position.epoch == upTo.epoch
                ? entry.position.seq == upTo.seq + 1 : entry.position.epoch > upTo.epoch && entry.position.seq == 1
            // A ledger that begins now, beside a Redis that has been trimmed, starts where the log starts.
            guard follows || upTo == .start else { throw LogGap(after: upTo, found: entry.position) }
            upTo = entry.position
            if let beat = entry.beat { beats.append((beat, entry.at)) }
            for move in entry.moves { fold.take(move, entry, into: &self) }
        }
        created = fold.created
        changed = fold.changed
    }
}

private struct Fold {
    var created: [JobSnapshot] = []
    var changed: [RowChange] = []
    private var createdAt: [JobID: Int] = [:]
    private var changedAt: [JobID: Int] = [:]

    mutating func take(_ move: Move, _ entry: LogEntry, into batch: inout MirrorBatch) {
        if let bytes = move.unreadable {
            batch.unreadable.append((move.id, entry.position, bytes))
            if move.id == .zero { return }
        }
        batch.events.append(
            JobEvent(
                job: move.id, position: entry.position, at: entry.at, verb: entry.verb, from: move.from, to: move.to,
                version: move.version, attempts: move.attempts, actor: entry.actor, error: move.error))
        if let at = createdAt[move.id] {
            created[at].apply(move, entry)
        } else if let at = changedAt[move.id] {
            changed[at].apply(move, entry)
        } else if let record = move.record {
            var snapshot = JobSnapshot(record: record, status: move.to, version: move.version, attempts: record.attempts)
            snapshot.apply(move, entry)
            createdAt[move.id] = created.count
            created.append(snapshot)
        } else {
            var change = RowChange(
                id: move.id, position: entry.position, version: move.version, status: move.to, at: entry.at)
            change.apply(move, entry)
            changedAt[move.id] = changed.count
            changed.append(change)
        }
    }
}

extension RowChange {
    fileprivate mutating func apply(_ move: Move, _ entry: LogEntry) {
        epoch = entry.position.epoch
        seq = entry.position.seq
        version = move.version
        status = move.to
        at = entry.at
        if entry.verb == .lease {
            startedAt = entry.at
            workerID = entry.actor
        }
        completedAt = move.to.isTerminal ? entry.at : nil
        scheduledAt = move.runAt ?? scheduledAt
        attempts = move.attempts ?? attempts
        crashes = move.crashes ?? crashes
        error = move.error ?? error
        result = move.result ?? result
    }
}

extension JobSnapshot {
    fileprivate mutating func apply(_ move: Move, _ entry: LogEntry) {
        epoch = entry.position.epoch
        seq = entry.position.seq
        version = move.version
        status = move.to
        updatedAt = entry.at
        if entry.verb == .lease {
            startedAt = entry.at
            workerID = entry.actor.map(WorkerID.init)
        }
        completedAt = move.to.isTerminal ? entry.at : nil
        runAt = move.runAt ?? runAt
        attempts = move.attempts ?? attempts
        crashes = move.crashes ?? crashes
        if let text = move.error {
            error = text
            failedAt = entry.at
        }
        result = move.result ?? result
    }
}
