import TallyCore

extension Oracle {
    /// Holds what the log has to tell since the last look against the books.
    func look(_ queue: InspectedQueue) async throws {
        let after = redis.position
        let entries = try await queue.transitions.log(after: after, limit: 10_000)
        if entries.isEmpty { return }
        state.withLock { state in for entry in entries { state.take(entry) } }
    }
}

extension Oracle.State {
    fileprivate mutating func take(_ entry: LogEntry) {
        let (last, next) = (redis.position, entry.position)
        let follows =
            next.epoch == last.epoch ? next.seq == last.seq + 1 : next.epoch > topEpoch && next.seq == 1
        if !follows { breaks("I5", "the log goes from \(last) to \(next)") }
        redis.position = next
        topEpoch = max(topEpoch, next.epoch)
        if entry.verb == .epoch { note("a new epoch begins") }
        for move in entry.moves { take(move, entry) }
    }

    private mutating func take(_ move: Move, _ entry: LogEntry) {
        guard var expectation = expectations[move.id] else { return }
        let live = redis.live[move.id]
        let line =
            "\(entry.verb) \(name(move.id)): \(move.from?.rawValue ?? "-") to \(move.to) v\(move.version)"
        note(line)
        expectation.steps.append("\(entry.verb) \(move.to) \(move.version)")
        expectations[move.id] = expectation
        if !Transition.isLegal(entry.verb, from: move.from, to: move.to) {
            breaks("I5", "not legal: \(line)")
        }
        if entry.verb != .repair, move.from != live?.status {
            breaks("I5", "\(line), though \(text(live)) is held")
        }
        switch entry.verb {
        case .lease: leased(move, entry, live)
        case .reclaim:
            if let live, live.expiresAt > entry.at { breaks("I2", "\(line) before its lease ran out") }
            fallthrough
        default: moved(move)
        }
    }

    private mutating func moved(_ move: Move) {
        if move.to.isTerminal {
            redis.live[move.id] = nil
            guard let expectation = expectations[move.id] else { return }
            if expectation.done == nil || move.version >= expectation.done?.version ?? 0 {
                expectations[move.id]?.done = (move.version, false)
            }
        } else if move.to != .processing {
            redis.live[move.id] = Oracle.Live(status: move.to, version: move.version)
        }
    }

    private mutating func leased(_ move: Move, _ entry: LogEntry, _ live: Oracle.Live?) {
        redis.live[move.id] = Oracle.Live(
            status: .processing, version: move.version, epoch: entry.position.epoch,
            expiresAt: entry.at + lease)
        guard let expectation = expectations[move.id] else { return }
        if live?.status == .processing { breaks("I2", "a second lease of \(name(move.id))") }
        if let live, move.version != live.version + 1 {
            breaks("I2", "\(name(move.id)) is leased at v\(move.version) from v\(live.version)")
        }
        if !redis.opened.contains(entry.position.epoch) {
            breaks("I3", "\(name(move.id)) is leased while the epoch is held")
        }
        // A queued job's cancellation is as durable as the job.
        if expectation.isCancelled, expectation.isRecorded || !hasLoss {
            breaks("I4", "\(name(move.id)) starts though its cancellation was acknowledged")
        } else if let done = expectation.done, expectation.requeued <= done.version {
            if hasLoss, !done.isMirrored {
                reruns += 1
            } else if expectation.isRecorded || !hasLoss || done.isMirrored {
                breaks("I3", "\(name(move.id)) starts again after its end at v\(done.version)")
            }
        }
    }
}
