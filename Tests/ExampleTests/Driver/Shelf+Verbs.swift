import TallyCore

// What moves jobs. Each verb decides, writes, and appends one entry.

extension Shelf {
    // MARK: - Push

    mutating func push(_ pushes: [Push], issued: Issued?, at now: Timestamp) throws(QueueError)
        -> [PushAnswer]
    {
        if let issued, isStale(issued, at: now) { return pushes.map { _ in .refused } }
        if log.count >= Limits.logEntries { throw QueueError(.full, "push", "the log is not mirrored") }
        var answers: [PushAnswer] = []
        var moves: [Move] = []
        for group in Self.groups(pushes) {
            answers += try push(together: group, &moves, at: now)
        }
        append(.push, moves, at: now)
        return answers
    }

    /// Decided too long ago, or in another history: it may rest on what is no longer true.
    private func isStale(_ issued: Issued, at now: Timestamp) -> Bool {
        issued.shard != .first || issued.epoch != epoch || now - issued.at > Limits.issued
    }

    /// Queued jobs that follow one another go in together; a recorded one is on its own.
    private static func groups(_ pushes: [Push]) -> [[Push]] {
        var groups: [[Push]] = []
        for push in pushes {
            if !push.isRecorded, let before = groups.last?.last, !before.isRecorded {
                groups[groups.count - 1].append(push)
            } else {
                groups.append([push])
            }
        }
        return groups
    }

    private mutating func push(
        together group: [Push], _ moves: inout [Move], at now: Timestamp
    ) throws(QueueError) -> [PushAnswer] {
        let before: Shelf? = group.count > 1 ? self : nil
        let made = moves
        var answers: [PushAnswer] = []
        for push in group {
            let answer = decide(push, at: now)
            if answer == .full, !push.isRecorded {
                throw QueueError(.full, "push", "queue \(push.record.queue) is over its window")
            }
            if answer == .pushed { moves.append(insert(push, at: now)) }
            answers.append(answer)
        }
        let refusals: [PushAnswer] = [.exists(same: false), .full]
        guard let before, answers.contains(where: refusals.contains) else { return answers }
        self = before
        moves = made
        return Self.withheld(group, answers)
    }

    /// Neither the jobs of a refused call are there, nor what only they stood in the way of.
    private static func withheld(_ group: [Push], _ answers: [PushAnswer]) -> [PushAnswer] {
        let ids = Set(zip(group, answers).compactMap { $1 == .pushed ? $0.record.id : nil })
        return zip(group, answers).map { push, answer -> PushAnswer in
            switch answer {
            case .pushed: .withheld
            case .exists(same: true) where ids.contains(push.record.id): .withheld
            case .duplicate(let holder) where ids.contains(holder): .withheld
            default: answer
            }
        }
    }

    private func decide(_ push: Push, at now: Timestamp) -> PushAnswer {
        var record = push.record
        if let end = tombstones[record.id]?.end, end.version >= push.version { return .ended(end.status) }
        if let held = items[record.id]?.job, held.version >= push.version {
            record.createdAt = held.record.createdAt  // each enqueue is stamped anew
            return .exists(same: held.record == record)
        }
        // The ledger decides about the keys of recorded jobs.
        if !push.isRecorded, let key = Key(record), let holder = keys[key], holder.id != record.id,
            holder.until.map({ $0 > now }) ?? true
        {
            return .duplicate(of: holder.id)
        }
        if items.count >= Limits.queueWindow {
            let waiting = items.values.count {
                $0.job.record.queue == record.queue && $0.job.status != .processing
            }
            if waiting >= Limits.queueWindow { return .full }
        }
        return .pushed
    }

    mutating func insert(_ push: Push, at now: Timestamp) -> Move {
        let record = push.record
        let replaced = items[record.id]
        lift(record.id)
        tombstones[record.id] = nil
        var item = Item(
            job: JobSnapshot(
                record: record, status: .pending, version: push.version, attempts: push.attempts,
                runAt: push.runAt),
            key: replaced?.key, hasBegun: push.hasBegun)
        if !push.isRecorded, let key = Key(record) {
            var until: Timestamp?
            if case .lasting(let time)? = record.unique?.lifetime { until = now + time }
            keys[key] = Holder(id: record.id, until: until)
            item.key = key
        }
        var move = Move(
            id: record.id, version: push.version, from: replaced?.job.status, to: .pending,
            record: push.isRecorded ? nil : record, attempts: push.attempts > 0 ? push.attempts : nil)
        if let time = push.runAt, time > now {
            makeWait(item, as: .scheduled, until: time)
            move.to = .scheduled
            move.runAt = time
        } else {
            makeReady(item)
        }
        return move
    }

    // MARK: - Reserve

    mutating func reserve(_ wish: ReserveWish, at now: Timestamp) -> Reservation {
        _ = reclaim(Limits.sweepPerCall, at: now)
        _ = promote(Limits.sweepPerCall, at: now)
        let limit = min(max(0, wish.limit), Limits.jobsPerCall)
        var jobs: [ReservedJob] = []
        var over: [Move] = []
        for queue in wish.queues where !paused.contains(queue) {
            for id in take(limit - jobs.count, from: queue) {
                if let move = endIfOver(id, at: now) {
                    over.append(move)
                } else if let job = lease(id, until: now + wish.lease) {
                    jobs.append(job)
                }
            }
        }
        append(.cancel, over, at: now)
        let moves = jobs.map {
            Move(id: $0.lease.id, version: $0.lease.version, from: .pending, to: .processing)
        }
        append(.lease, moves, at: now, actor: wish.worker.text)
        // Who goes away with nothing is told of its own queues alone.
        let times = [due, leases].flatMap { $0 }.filter { id, _ in
            !jobs.isEmpty || items[id].map { wish.queues.contains($0.job.record.queue) } ?? false
        }
        return Reservation(jobs: jobs, nextEvent: times.map(\.value).min(), now: now)
    }

    /// The first runnable jobs, off their lanes: of several priorities each has its share of the turns.
    private mutating func take(_ need: Int, from queue: QueueName) -> [JobID] {
        let waiting = JobPriority.allCases.map { Lane(queue: queue, priority: $0) }
            .filter { lanes[$0]?.isEmpty == false }
        guard need > 0, let first = waiting.first else { return [] }
        if waiting.count == 1 { return take(need, off: first) }
        let (pattern, turn) = (JobPriority.pattern, turns[queue, default: 0])
        var shares: [JobPriority: Int] = [:]
        for slot in 0..<need { shares[pattern[(turn + slot) % pattern.count], default: 0] += 1 }
        turns[queue] = (turn + need) % pattern.count
        var taken: [JobID] = []
        for lane in waiting { taken += take(shares[lane.priority, default: 0], off: lane) }
        // What a short lane leaves over goes to the others.
        for lane in waiting { taken += take(need - taken.count, off: lane) }
        return taken
    }

    private mutating func take(_ count: Int, off lane: Lane) -> [JobID] {
        let jobs = lanes[lane, default: []]
        lanes[lane] = Array(jobs.dropFirst(count))
        return Array(jobs.prefix(count))
    }

    /// A job that has not begun by its not-after ends here; nil of every other.
    private mutating func endIfOver(_ id: JobID, at now: Timestamp) -> Move? {
        guard let item = items[id], !item.hasBegun, let last = item.job.record.notAfter, last <= now else {
            return nil
        }
        let version = item.job.version
        end(id, as: .cancelled, version: version)
        return Move(id: id, version: version, from: .pending, to: .cancelled, error: "expired")
    }

    private mutating func lease(_ id: JobID, until expiry: Timestamp) -> ReservedJob? {
        guard var job = items[id]?.job else { return nil }
        job.version += 1
        job.status = .processing
        let lease = Lease(id: id, version: job.version, epoch: epoch, expiresAt: expiry)
        job.lease = lease
        items[id]?.job = job
        items[id]?.hasBegun = true
        leases[id] = expiry
        return ReservedJob(
            record: job.record, lease: lease, attempts: job.attempts, crashes: job.crashes, runAt: job.runAt,
            error: job.error, failedAt: job.failedAt)
    }

    // MARK: - Sweep

    /// Due jobs to their lanes, by due time.
    mutating func promote(_ limit: Int, at now: Timestamp) -> Int {
        var moves: [Move] = []
        for id in Self.first(limit, of: due, upTo: now) {
            guard let item = items[id] else { continue }
            lift(id)
            makeReady(item)
            moves.append(Move(id: id, version: item.job.version, from: item.job.status, to: .pending))
        }
        append(.promote, moves, at: now)
        return moves.count
    }

    /// Leases that ran out back to their lanes, by expiry; one that runs out right now has.
    mutating func reclaim(_ limit: Int, at now: Timestamp) -> Int {
        let moves = Self.first(limit, of: leases, upTo: now).compactMap { takeBack($0) }
        append(.reclaim, moves, at: now)
        return moves.count
    }

    private static func first(_ limit: Int, of times: [JobID: Timestamp], upTo now: Timestamp) -> [JobID] {
        let passed = times.filter { $0.value <= now }.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        return passed.prefix(max(0, limit)).map(\.key)
    }

    private mutating func takeBack(_ id: JobID) -> Move? {
        guard var item = items[id] else { return nil }
        lift(id)
        item.job.crashes += 1
        let (crashes, version) = (item.job.crashes, item.job.version)
        var move = Move(id: id, version: version, from: .processing, to: .pending, crashes: crashes)
        if item.job.cancelRequested {
            move.to = .cancelled
        } else if crashes >= item.job.record.maxCrashes {
            move.to = .failed
            move.error = "crashed: the lease ran out \(crashes) times"
        }
        if move.to.isTerminal {
            end(id, as: move.to, version: version)
        } else {
            item.job.runAt = nil
            makeReady(item)
        }
        return move
    }

    // MARK: - Cancel

    mutating func cancel(
        _ id: JobID, tombstone: (version: Int, issued: Issued)?, at now: Timestamp
    ) -> CancelAnswer {
        if let tombstone, isStale(tombstone.issued, at: now) { return .refused }
        let held = items[id]?.job
        if let held, held.status == .processing {
            if !held.cancelRequested {
                items[id]?.job.cancelRequested = true
                let move = Move(id: id, version: held.version, from: .processing, to: .processing)
                append(.cancel, [move], at: now)
            }
            return .cancelling(version: held.version)
        }
        if held == nil, let end = tombstones[id]?.end, end.version >= tombstone?.version ?? 0 {
            return .ended(end.status, version: end.version)
        }
        guard let version = held?.version ?? tombstone?.version else { return .unknown }
        end(id, as: .cancelled, version: version)
        append(.cancel, [Move(id: id, version: version, from: held?.status, to: .cancelled)], at: now)
        return .cancelled(version: version, epoch: epoch)
    }

    /// What a worker holds is left as it is; the others end in one entry.
    mutating func cancelWaiting(
        _ ids: [JobID], tombstones versions: [JobID: Int], issued: Issued?, at now: Timestamp
    ) -> [CancelWaitingAnswer] {
        let isLate = issued.map { isStale($0, at: now) } ?? true
        var (answers, moves): ([CancelWaitingAnswer], [Move]) = ([], [])
        for id in ids {
            let held = items[id]?.job
            if let move = moves.first(where: { $0.id == id }) {
                answers.append(.ended(.cancelled, version: move.version))  // named twice
            } else if versions[id] != nil, isLate {
                answers.append(.refused)
            } else if let held, held.status == .processing {
                answers.append(.processing(version: held.version))
            } else if held == nil, let known = tombstones[id]?.end, known.version >= versions[id] ?? 0 {
                answers.append(.ended(known.status, version: known.version))
            } else if let version = held?.version ?? versions[id] {
                end(id, as: .cancelled, version: version)
                moves.append(Move(id: id, version: version, from: held?.status, to: .cancelled))
                answers.append(.cancelled(version: version, epoch: epoch))
            } else {
                answers.append(.unknown)
            }
        }
        append(.cancel, moves, at: now)
        return answers
    }
}
