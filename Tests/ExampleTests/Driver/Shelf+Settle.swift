import TallyCore

// What ends a lease or moves its expiry, and what an operator and the reconciler ask.

extension Shelf {
    /// What a lease may do now. `repeated` = it has ended its job this way already.
    private enum Standing {
        case valid(Item)
        case repeated
        case refused(LeaseRefusal)
    }

    private func standing(_ lease: Lease, ending: JobStatus? = nil, at now: Timestamp) -> Standing {
        if let item = items[lease.id], let held = item.job.lease {
            if held.expiresAt <= now { return .refused(.expired) }
            let isHolder = held.version == lease.version && held.epoch == lease.epoch
            return isHolder ? .valid(item) : .refused(.mismatch)
        }
        if let ending, tombstones[lease.id]?.end == QueueView.Ended(status: ending, version: lease.version) {
            return .repeated
        }
        return .refused(.notProcessing)
    }

    mutating func extend(_ lease: Lease, by length: Duration, at now: Timestamp) -> ExtendAnswer {
        switch standing(lease, at: now) {
        case .refused(let why): return .refused(why)
        case .repeated: return .refused(.notProcessing)
        case .valid(let item):
            let longer = Lease(
                id: lease.id, version: lease.version, epoch: lease.epoch, expiresAt: now + length)
            items[lease.id]?.job.lease = longer
            leases[lease.id] = longer.expiresAt
            return .extended(longer, cancelRequested: item.job.cancelRequested)
        }
    }

    /// Kind after kind, with one entry for each; answered in the order of the call.
    mutating func settle(_ settlements: [Settlement], at now: Timestamp) -> [SettleAnswer] {
        var answers = settlements.map { _ in SettleAnswer.repeated }
        for kind in [Verb.ack, .retry, .fail, .release] {
            var moves: [Move] = []
            for (index, settlement) in settlements.enumerated() where settlement.kind == kind {
                answers[index] = settle(settlement, &moves, at: now)
            }
            append(kind, moves, at: now)
        }
        return answers
    }

    private mutating func settle(
        _ settlement: Settlement, _ moves: inout [Move], at now: Timestamp
    ) -> SettleAnswer {
        let lease = settlement.lease
        let ending: JobStatus? =
            switch settlement.kind {
            case .ack: .completed
            case .fail: .failed
            default: nil
            }
        switch standing(lease, ending: ending, at: now) {
        case .refused(let why): return .refused(why)
        case .repeated: return .repeated
        case .valid(let item):
            lift(lease.id)
            let move = carryOut(settlement, item, at: now)
            if move.to.isTerminal { end(lease.id, as: move.to, version: lease.version) }
            moves.append(move)
            return .settled(move.to)
        }
    }

    /// Where the job goes; what ends it is left to the caller.
    private mutating func carryOut(_ settlement: Settlement, _ item: Item, at now: Timestamp) -> Move {
        var job = item.job
        var move = Move(id: job.record.id, version: job.version, from: .processing, to: .completed)
        switch settlement {
        case .ack(_, let result):
            if !result.isEmpty { move.result = result }
        case .fail(_, let attempts, let error):
            move.to = job.cancelRequested ? .cancelled : .failed
            let error = Self.clean(error)
            move.attempts = Self.kept(attempts)
            move.error = error.isEmpty ? "failed" : error
        case .retry(_, let runAt, let attempts, let error, let failedAt):
            job.attempts = Self.kept(attempts)
            job.error = Self.clean(error)
            job.failedAt = failedAt ?? now
            move.attempts = job.attempts
            move.error = job.error
            let failed = Item(job: job, key: item.key, hasBegun: true)
            putBack(failed, as: .retrying, until: runAt, &move, at: now)
        case .release(_, let runAt):
            putBack(item, as: .scheduled, until: runAt, &move, at: now)
        }
        return move
    }

    /// Cancelled if that was asked for; else waiting for `time`, or runnable at once.
    private mutating func putBack(
        _ item: Item, as status: JobStatus, until time: Timestamp?, _ move: inout Move, at now: Timestamp
    ) {
        if item.job.cancelRequested {
            move.to = .cancelled
        } else if let time, time > now {
            let time = min(time, Self.latest)
            move.to = status
            move.runAt = time
            makeWait(item, as: status, until: time)
        } else {
            move.to = .pending
            var item = item
            item.job.runAt = nil
            makeReady(item)
        }
    }

    /// As the ledger can hold it.
    private static func kept(_ attempts: Int) -> Int { min(max(0, attempts), Int(Int32.max)) }

    /// Without NUL, which the ledger cannot hold, and cut between two characters of Unicode.
    private static func clean(_ error: String) -> String {
        var kept = String.UnicodeScalarView()
        var bytes = 0
        for scalar in error.unicodeScalars where scalar.value != 0 {
            bytes += UTF8.width(scalar)
            if bytes > Limits.errorBytes { break }
            kept.append(scalar)
        }
        return String(kept)
    }

    // MARK: - Look

    func inspect(_ ids: [JobID], bodies: QueueView.Bodies, at now: Timestamp) -> QueueView {
        var view = QueueView(held: [:], ended: [:], history: history(at: now))
        for id in ids {
            view.held[id] = items[id]?.job
            if bodies != .included { view.held[id]?.record.body = [] }
            view.ended[id] = tombstones[id]?.end
        }
        return view
    }

    func counts(at now: Timestamp) -> [QueueCounts] {
        var found: [QueueName: QueueCounts] = [:]
        for queue in paused { found[queue] = QueueCounts(queue: queue, isPaused: true) }
        for (id, item) in items {
            let queue = item.job.record.queue
            var row = found[queue] ?? QueueCounts(queue: queue)
            switch item.job.status {
            case .pending: row.pending += 1
            case .processing:
                row.processing += 1
                if let expiry = leases[id], expiry <= now { row.expired += 1 }
            default:
                if let time = due[id], time <= now { row.due += 1 } else { row.waiting += 1 }
            }
            found[queue] = row
        }
        return found.values.sorted { $0.queue < $1.queue }
    }

    // MARK: - Repair

    /// Only in the epoch that was looked at, and only while the job stands as it was seen.
    mutating func repair(_ repair: QueueRepair, at now: Timestamp) -> Bool {
        guard repair.epoch == epoch, stands(repair.id, repair.expected),
            let move = move(of: repair, at: now)
        else { return false }
        append(.repair, [move], at: now, actor: "reconciler:\(repair.code)")
        return true
    }

    private func stands(_ id: JobID, _ expected: QueueRepair.Expected) -> Bool {
        let (held, end) = (items[id]?.job, tombstones[id]?.end)
        return switch expected {
        case .absent: held == nil && end == nil
        case .ended(let status, let version):
            held == nil && end == QueueView.Ended(status: status, version: version)
        case .held(let status, let version): held?.status == status && held?.version == version
        }
    }

    /// nil where there is nothing to do: what structures of a server can lack, dictionaries cannot.
    private mutating func move(of repair: QueueRepair, at now: Timestamp) -> Move? {
        let (id, item, past) = (repair.id, items[repair.id], tombstones[repair.id]?.end)
        switch repair.action {
        case .push(let push):
            let isNewer = max(item?.job.version ?? 0, past?.version ?? 0) < push.version
            return push.record.id == id && isNewer ? insert(push, at: now) : nil
        case .end(let status, let version):
            end(id, as: status, version: version)
            return Move(id: id, version: version, from: item?.job.status, to: status)
        case .endBecause(let status, let version, let error):
            end(id, as: status, version: version)
            return Move(id: id, version: version, from: item?.job.status, to: status, error: error)
        case .logEnd:
            return past.map { Move(id: id, version: $0.version, from: nil, to: $0.status) }
        case .logState(let withRecord):
            guard let job = item?.job else { return nil }
            return Move(
                id: id, version: job.version, from: job.status, to: job.status,
                record: withRecord ? job.record : nil, attempts: job.attempts, crashes: job.crashes,
                runAt: due[id], error: job.error)
        case .wait(let time):
            guard let item, item.job.status != .processing else { return nil }
            let isNew = item.job.status == .pending
            let status: JobStatus = isNew ? item.job.attempts > 0 ? .retrying : .scheduled : item.job.status
            lift(id)
            makeWait(item, as: status, until: time)
            return Move(id: id, version: item.job.version, from: item.job.status, to: status, runAt: time)
        case .rewrite, .restore, .failWithoutRecord, .reclaim, .promote: return nil
        }
    }
}

extension Settlement {
    /// The verb under which it stands in the log.
    var kind: Verb {
        switch self {
        case .ack: .ack
        case .retry: .retry
        case .fail: .fail
        case .release: .release
        }
    }
}
