import Glibc
import TallyCore

extension Worker {
    /// Extends every lease of one shard each interval. A refused one cancels its handler.
    func heartbeatLoop(_ shard: WorkerShard) async {
        var nextBeat = ContinuousClock.now + configuration.heartbeat
        while !Task.isCancelled {
            do {
                try await Task.sleep(until: nextBeat, clock: .continuous)
            } catch {
                return  // cancelled: the worker has ended
            }
            nextBeat = .now + configuration.heartbeat
            settleChain.sendHeld()
            if await extendAll(shard) {
                await beat(shard, status)
            } else {
                // The store is away: look again soon, the deadlines go on.
                nextBeat = .now + min(configuration.heartbeat, Limits.beatAgain)
            }
        }
    }

    private var status: WorkerBeat.Status {
        state.withLock { $0.drainBy } == nil ? .running : .draining
    }

    /// Reports what handlers have told, without waiting for the next heartbeat: what they tell within
    /// `Limits.progressPause` is one report, of the last words of each.
    func progressLoop() async {
        while !Task.isCancelled {
            await told.wait()
            if Task.isCancelled { return }
            await beatAll(status)
            do {
                try await Task.sleep(for: Limits.progressPause)
            } catch {
                return  // cancelled: the worker has ended
            }
        }
    }

    /// Tells every handler whose lease is over, by this machine's clock alone: a queue that hangs says nothing, and
    /// another worker may run the job from that moment on.
    func watchLeases() async {
        while !Task.isCancelled {
            let (next, tasks) = state.withLock { state in
                let tasks = state.table.overdue(at: .now).map { state.table.stop($0, .leaseLost) }
                state.watchedDeadline = state.table.nextDeadline
                return (state.watchedDeadline, tasks)
            }
            for task in tasks { task?.cancel() }
            await sooner.wait(until: next)
        }
    }

    /// False when the store could not be asked.
    private func extendAll(_ shard: WorkerShard) async -> Bool {
        // A lost lease cannot come back: its handler was told to stop.
        let entries = state.withLock { state in
            Array(
                state.table.entries.filter {
                    $0.value.stop != .leaseLost && $0.value.lease.shard == shard.shard
                })
        }
        for chunk in entries.pages(of: Limits.jobsPerCall) {
            let sent = ContinuousClock.now
            do {
                let answers = try await shard.queue.extend(
                    chunk.map(\.value.lease), by: configuration.lease)
                for (entry, answer) in zip(chunk, answers) { take(answer, entry.key, sent: sent) }
            } catch {
                observer.dutyFailed(shard.name("heartbeat"), error)
                return false
            }
        }
        return true
    }

    private func take(_ answer: ExtendAnswer, _ key: RunningTable.Key, sent: ContinuousClock.Instant) {
        switch answer {
        case .extended(let lease, let cancelRequested):
            state.withLock { $0.table.extend(key, lease, deadline: sent + configuration.lease) }
            if cancelRequested { stop(key, .cancelRequested) }
        case .refused: stop(key, .leaseLost)  // a settling run is not touched: its end may just have arrived
        }
    }

    func beatAll(_ status: WorkerBeat.Status) async {
        await withTaskGroup(of: Void.self) { group in
            for shard in shards { group.addTask { await self.beat(shard, status) } }
        }
    }

    /// One report, and as many more as there are lines that wait: each brings a bounded number of them.
    private func beat(_ shard: WorkerShard, _ status: WorkerBeat.Status) async {
        for _ in 0...Limits.linesWaitingBytes / Limits.toldLinesBytes {
            let report = report(status, to: shard)
            do {
                try await shard.queue.heartbeat(report)
            } catch {
                // Lines that may have been heard are told again: the ledger knows each by its number.
                state.withLock { $0.lines.putBack(report.lines ?? [], of: shard.shard) }
                observer.dutyFailed(shard.name("heartbeat"), error)
                return
            }
            if !state.withLock({ $0.lines.hasMore(of: shard.shard) }) { return }
        }
    }

    private func report(_ status: WorkerBeat.Status, to shard: WorkerShard) -> WorkerBeat {
        let (told, busy, counts, unknown, lines) = state.withLock { state in
            (
                state.table.told, state.table.occupied, state.counts, state.unknown.counts,
                state.lines.take(of: shard.shard)
            )
        }
        var beat = WorkerBeat(
            id: configuration.id, status: status, queues: configuration.queues,
            types: handlers.keys.sorted { $0.text < $1.text }, running: told.running,
            concurrency: configuration.concurrency, startedAt: startedAt, host: Host.name,
            pid: getpid())
        if !unknown.isEmpty { beat.unknown = unknown }
        if !lines.isEmpty { beat.lines = lines }
        beat.vitals = WorkerVitals(
            busy: busy, done: counts.done, failed: counts.failed, residentBytes: Host.residentBytes,
            lastError: counts.lastError, weights: configuration.isStrict ? [:] : weights,
            progress: told.progress)
        return beat
    }

    /// Of every queue that it asks.
    private var weights: [String: Int] {
        Dictionary(
            configuration.queues.map { ($0.text, configuration.weights[$0] ?? 1) },
            uniquingKeysWith: { first, _ in first })
    }
}
