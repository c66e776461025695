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
                _ = await beat(shard, status)
            } else {
                // The store is away: look again soon, the deadlines go on.
                nextBeat = .now + min(configuration.heartbeat, Limits.beatAgain)
            }
        }
    }

    private var status: WorkerBeat.Status {
        state.withLock { $0.drainBy } == nil ? .running : .draining
    }

    /// Reports what handlers have told, without waiting for the next heartbeat, to the shards that have news: what
    /// they tell within `Limits.progressPause` is one report, of the last words of each.
    func progressLoop() async {
        while !Task.isCancelled {
            await told.wait()
            if Task.isCancelled { return }
            let news = state.withLock { state in
                defer { state.news = [] }
                return state.news
            }
            let current = status
            await withTaskGroup(of: Void.self) { group in
                for shard in shards where news.contains(shard.shard) {
                    group.addTask { _ = await self.beat(shard, current, isEarly: true) }
                }
            }
            do {
                try await pause(Limits.progressPause)
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
            for shard in shards {
                group.addTask {
                    if status == .stopped { await self.tellRest(shard) }
                    _ = await self.beat(shard, status)
                }
            }
        }
    }

    /// Nobody tells later what waits still as the worker ends.
    private func tellRest(_ shard: WorkerShard) async {
        for _ in 1..<Limits.lastReports {
            guard state.withLock({ $0.lines.hasMore(of: shard.shard) }) else { return }
            guard await beat(shard, .draining, isEarly: true) else { return }
        }
    }

    /// One report. Lines beyond its bound come with the next early one. False when the store could not be asked.
    private func beat(_ shard: WorkerShard, _ status: WorkerBeat.Status, isEarly: Bool = false) async -> Bool
    {
        let (report, told) = self.report(status, to: shard, isEarly: isEarly)
        do {
            let answer = try await shard.queue.heartbeat(report)
            let hasMore = state.withLock { state in
                state.lines.heard(told, answer, of: shard.shard)
                let hasMore = state.lines.hasMore(of: shard.shard)
                if hasMore { state.news.insert(shard.shard) }
                return hasMore
            }
            if hasMore { self.told.post() }
            return true
        } catch {
            // Lines that may have been heard are told again: the ledger knows each by its number.
            state.withLock { $0.lines.putBack(told, of: shard.shard) }
            observer.dutyFailed(shard.name("heartbeat"), error)
            return false
        }
    }

    private func report(
        _ status: WorkerBeat.Status, to shard: WorkerShard, isEarly: Bool
    ) -> (WorkerBeat, LineBuffer.Told) {
        let (told, busy, counts, unknown, logged) = state.withLock { state in
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
        if !logged.lines.isEmpty { beat.lines = logged.asTold }
        beat.isEarly = isEarly
        beat.vitals = WorkerVitals(
            busy: busy, done: counts.done, failed: counts.failed, residentBytes: Host.residentBytes,
            lastError: counts.lastError, weights: configuration.isStrict ? [:] : weights,
            progress: told.progress)
        return (beat, logged)
    }

    /// Of every queue that it asks.
    private var weights: [String: Int] {
        Dictionary(
            configuration.queues.map { ($0.text, configuration.weights[$0] ?? 1) },
            uniquingKeysWith: { first, _ in first })
    }
}
