import Synchronization

/// Leasing over several shards: queues are asked for where they live, leases are settled where they were given.
///
/// A shard that fails is not asked for jobs until it answers again, so that the others hand out theirs without
/// waiting for it; every shard that failed is told to the observer, once until it is back.
final class ShardedLeasing: Leasing {
    private struct State {
        /// Of the reserves: each begins with the next shard, so that none lives on what the others leave.
        var turn = 0
        var absent: [Shard: QueueError] = [:]
    }
    private let stores: [QueueStore]
    private let map: ShardMap
    private let observer: any JobObserver
    private let state = Mutex(State())

    init(_ stores: [QueueStore], map: ShardMap, observer: any JobObserver) {
        self.stores = stores
        self.map = map
        self.observer = observer
    }

    private subscript(_ shard: Shard) -> QueueStore { stores[Int(shard.number)] }

    // MARK: - Reserve

    /// One shard after another, never more than the limit together. A shard that fails costs the others nothing:
    /// only where none of them answers is its error thrown.
    func reserve(_ wish: ReserveWish) async throws(QueueError) -> Reservation {
        let parts = split(wish.queues)
        if parts.count == 1 { return try await self[parts[0].shard].leasing.reserve(wish) }
        var all: Reservation?
        var failure: QueueError?
        var failed: Set<Shard> = []
        for (shard, queues) in wish.isOrdered ? present(inOrder(wish.queues)) : inTurn(present(parts)) {
            let left = wish.limit - (all?.taken ?? 0)
            if left <= 0 { break }
            if failed.contains(shard) { continue }
            do throws(QueueError) {
                let wish = ReserveWish(queues, limit: left, lease: wish.lease, worker: wish.worker)
                let one = try await self[shard].leasing.reserve(wish)
                all = all?.adding(one) ?? one
            } catch {
                // What the wish itself is guilty of every shard would say.
                if [.invalid, .invalidLease, .closed, .cancelled].contains(error.code) {
                    // Leases that were handed out already are not lost for it.
                    guard let all else { throw error }
                    return all
                }
                failure = error
                failed.insert(shard)
                markAbsent(shard, error)
            }
        }
        if let all { return all }
        throw failure ?? QueueError(.invalid, "reserve", "queue: name at least one, and none blank")
    }

    /// In the order of the wish within each shard.
    private func split(_ queues: [QueueName]) -> [(shard: Shard, queues: [QueueName])] {
        var parts: [(shard: Shard, queues: [QueueName])] = []
        for queue in queues {
            let shard = map.shard(of: queue)
            if let at = parts.firstIndex(where: { $0.shard == shard }) {
                parts[at].queues.append(queue)
            } else {
                parts.append((shard, [queue]))
            }
        }
        // Without a queue there is nothing to ask; the first shard says so as every driver does.
        return parts.isEmpty ? [(.first, [])] : parts
    }

    /// In the order of the wish over all shards: only neighbours of one shard are asked together.
    private func inOrder(_ queues: [QueueName]) -> [(shard: Shard, queues: [QueueName])] {
        var runs: [(shard: Shard, queues: [QueueName])] = []
        for queue in queues {
            let shard = map.shard(of: queue)
            if runs.last?.shard == shard {
                runs[runs.count - 1].queues.append(queue)
            } else {
                runs.append((shard, [queue]))
            }
        }
        return runs
    }

    /// Those that can be asked; all, where none can.
    private func present(_ parts: [(shard: Shard, queues: [QueueName])])
        -> [(shard: Shard, queues: [QueueName])]
    {
        let absent = state.withLock { $0.absent }
        let here = parts.filter { absent[$0.shard] == nil }
        return here.isEmpty ? parts : here
    }

    /// Beginning with another one than the reserve before.
    private func inTurn(_ parts: [(shard: Shard, queues: [QueueName])])
        -> [(shard: Shard, queues: [QueueName])]
    {
        let turn = state.withLock { state in
            state.turn &+= 1
            return state.turn
        }
        let first = turn % parts.count
        return Array(parts[first...] + parts[..<first])
    }

    // MARK: - A shard that is away

    private func markAbsent(_ shard: Shard, _ error: QueueError) {
        let isNew = state.withLock { $0.absent.updateValue(error, forKey: shard) == nil }
        guard isNew else { return }
        observer.dutyFailed("reserve from shard \(shard)", error)
        let store = self[shard]
        Task.detached { [weak self] in
            let policy = ExponentialBackoff(
                base: Limits.retryStoreBase, cap: Limits.retryStoreCap, jitter: 0.5)
            var failures = 0
            while self != nil {
                failures += 1
                // cannot be cancelled: detached
                try? await Task.sleep(for: policy.delay(afterFailure: failures, random: .random(in: 0..<1)))
                do throws(QueueError) {
                    // On the connection of the verbs, by which the jobs will come.
                    _ = try await store.control.promote(0)
                    break
                } catch {
                    if error.code == .closed { break }
                }
            }
            self?.state.withLock { $0.absent[shard] = nil }
        }
    }

    // MARK: - Wait

    /// Ends with the first shard that may have work: all are waited for at once, so none is before another. One that
    /// cannot be asked is waited for in vain.
    func wait(for queues: [QueueName], upTo time: Duration) async throws {
        let parts = split(queues)
        if parts.count == 1 { return try await self[parts[0].shard].leasing.wait(for: queues, upTo: time) }
        let asked = present(parts)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (shard, queues) in asked {
                group.addTask {
                    do {
                        try await self[shard].leasing.wait(for: queues, upTo: time)
                    } catch let error as QueueError where error.code != .closed && asked.count > 1 {
                        try await Task.sleep(for: time)
                    }
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
        try Task.checkCancellation()
    }

    func reserve(_ wish: ReserveWish, afterWaitingFor queues: [QueueName], upTo time: Duration) async throws
        -> (Reservation, sent: ContinuousClock.Instant)
    {
        let shards = Set(split(wish.queues + queues).map(\.shard))
        if shards.count == 1, let shard = shards.first {
            return try await self[shard].leasing.reserve(wish, afterWaitingFor: queues, upTo: time)
        }
        return try await waitThenReserve(wish, for: queues, upTo: time)
    }

    // MARK: - Leases

    func extend(_ leases: [Lease], by length: Duration) async throws(QueueError) -> [ExtendAnswer] {
        try await each(leases, by: { $0 }) { (store, some) throws(QueueError) in
            try await store.leasing.extend(some, by: length)
        } failed: { _ in
            nil
        }
    }

    func settle(_ settlements: [Settlement]) async throws(QueueError) -> [SettleAnswer] {
        try Settlement.check(settlements)
        return try await each(settlements, by: \.lease) { (store, some) throws(QueueError) in
            try await store.leasing.settle(some)
        } failed: {
            .failed($0)
        }
    }

    /// All shards at once: one that hangs keeps no other waiting.
    ///
    /// - Parameter failed: what the members of a shard answer that failed; nil = the whole call fails.
    private func each<Item: Sendable, Answer: Sendable>(
        _ items: [Item], by lease: (Item) -> Lease,
        _ call: @escaping @Sendable (QueueStore, [Item]) async throws(QueueError) -> [Answer],
        failed: (QueueError) -> Answer?
    ) async throws(QueueError) -> [Answer] {
        let shards = Set(items.map { lease($0).shard })
        if shards.count <= 1 { return try await call(self[shards.first ?? .first], items) }
        var places: [Shard: [Int]] = [:]
        for (index, item) in items.enumerated() { places[lease(item).shard, default: []].append(index) }
        let found = await withTaskGroup(of: (Shard, Result<[Answer], QueueError>).self) { group in
            for (shard, indices) in places {
                let some = indices.map { items[$0] }
                group.addTask {
                    (shard, await .of { () throws(QueueError) in try await call(self[shard], some) })
                }
            }
            var found: [Shard: Result<[Answer], QueueError>] = [:]
            for await (shard, result) in group { found[shard] = result }
            return found
        }
        var answers = [Answer?](repeating: nil, count: items.count)
        var failure: QueueError?
        var isAnyDone = false
        for (shard, result) in found.sorted(by: { $0.key < $1.key }) {
            let indices = places[shard] ?? []
            switch result {
            case .success(let some):
                isAnyDone = true
                for (index, answer) in zip(indices, some) { answers[index] = answer }
            case .failure(let error):
                failure = failure ?? error
                for index in indices { answers[index] = failed(error) }
            }
        }
        if let failure, !isAnyDone || answers.contains(where: { $0 == nil }) { throw failure }
        return answers.compactMap { $0 }
    }

    /// To each shard whose queues it serves: that one counts it among those who ask there.
    @discardableResult
    func heartbeat(_ beat: WorkerBeat) async throws(QueueError) -> BeatAnswer {
        let shards = Set(split(beat.queues).map(\.shard))
        let answers = await withTaskGroup(of: Result<BeatAnswer, QueueError>.self) { group in
            for shard in shards {
                group.addTask {
                    do throws(QueueError) {
                        return .success(try await self[shard].leasing.heartbeat(beat))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            var answers: [Result<BeatAnswer, QueueError>] = []
            for await answer in group { answers.append(answer) }
            return answers
        }
        var hasRoom = true
        for answer in answers {
            let heard = try answer.get()
            hasRoom = hasRoom && heard.hasRoom
        }
        return BeatAnswer(hasRoom: hasRoom)
    }
}

extension Reservation {
    fileprivate var taken: Int { jobs.count + corrupt.count }

    /// With what another shard handed out. Its clock is another one: what falls due there is told as so long from
    /// this shard's now.
    fileprivate func adding(_ other: Reservation) -> Reservation {
        var all = self
        all.jobs += other.jobs
        all.corrupt += other.corrupt
        let theirs = other.nextEvent.map { now + ($0 - other.now) }
        all.nextEvent = [nextEvent, theirs].compactMap { $0 }.min()
        // Idle workers share the asking of each server; a held epoch of one shard is looked at soon.
        all.workers = max(workers, other.workers)
        all.isHeld = isHeld || other.isHeld
        // Behind a shard that had more than it could hand out at once, what the next one has proves nothing of it.
        all.isCut = isCut || other.isCut
        return all
    }
}
