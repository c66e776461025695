import TallyCore
import TallyDuties
import TallyPostgres
import TallyRedis

/// How both halves are opened: looked at first, so that a start which is refused leaves nothing behind.
struct Opening {
    let settings: Settings
    let observer: any JobObserver
    let isPairing: Bool
    let isReading: Bool
    let isForOneAnswer: Bool
    let connecting: Duration

    private struct Ledger {
        let driver: PostgresLedger
        /// It did not answer, and was told so.
        let isAway: Bool
    }
    private struct Shards {
        var queues: [RedisQueue] = []
        /// Why some do not answer.
        var away: [Shard: QueueError] = [:]
    }

    /// Nothing is left running where it throws.
    func open() async throws -> (queue: ShardedQueue, ledger: PostgresLedger?) {
        // First, for what it refuses shall leave nothing in Redis.
        let ledger = try await openLedger()
        let shards: Shards
        do {
            shards = try await openShards(ledger)
        } catch {
            await ledger?.driver.close()
            throw error
        }
        let stores = shards.queues.map { queue -> QueueStore in
            let away = isForOneAnswer ? shards.away[queue.configuration.part.shard] : nil
            return away.map { queue.store.answering($0) } ?? queue.store
        }
        let queue = ShardedQueue(stores, observer: observer)
        do {
            let check = ShardCheck(shards.queues)
            if let ledger {
                // One that did not answer is not asked again: if it hangs each question costs as much as the first.
                if !isReading, !ledger.isAway { try await claim(ledger.driver) }
                if isPairing {
                    for shard in shards.queues { try await pair(shard, ledger, check, shards) }
                }
            } else {
                try await check.run(away: Set(shards.away.keys))
            }
            return (queue, ledger?.driver)
        } catch {
            await queue.close()
            await ledger?.driver.close()
            throw error
        }
    }

    // MARK: Redis

    /// A service starts, and waits, while a store is away; in mode recorded it enqueues whatever Redis answers.
    private func openShards(_ ledger: Ledger?) async throws -> Shards {
        var configurations = try settings.redisShards()
        for at in configurations.indices { configurations[at].connectTimeout = connecting }
        var looks: [Result<RedisLook, QueueError>] = []
        if isPairing {
            looks = await configurations.askedAtOnce { configuration in
                await .of { () throws(QueueError) in try await RedisLook.at(configuration) }
            }
            // One that is away says nothing.
            try await check(looks.compactMap { try? $0.get() }, ledger)
        }
        var shards = Shards()
        do {
            for (at, configuration) in configurations.enumerated() {
                var known: QueueError?
                if isPairing, case .failure(let error) = looks[at] { known = error }
                var away: QueueError?
                let queue = try await RedisQueue.open(configuration, known: known) { error in
                    guard error.mayRetry || settings.mode == .recorded else { return false }
                    observer.dutyFailed(configuration.part.name("open"), error)
                    away = error
                    return true
                }
                shards.queues.append(queue)
                if let away { shards.away[configuration.part.shard] = away }
            }
        } catch {
            for shard in shards.queues { await shard.close() }
            throw error
        }
        return shards
    }

    /// Whether the servers belong to the ledger, or together where that cannot be asked. Nothing is written.
    private func check(_ looks: [RedisLook], _ ledger: Ledger?) async throws {
        guard let ledger, !ledger.isAway else { return try ShardCheck.check(looks) }
        do {
            for look in looks {
                let pairing = Pairing(LookedAt(look), ledger.driver, part: look.identity.part)
                try await pairing.check(isDry: true)
            }
        } catch let error as LedgerError where error.mayRetry {
            try ShardCheck.check(looks)
        } catch let refused as PairingRefused {
            throw QueueError(.wrongServer, "open", "\(refused)")
        }
    }

    // MARK: Pairing

    /// Each half keeps which the other one is: a mixed-up address must not make two records of one queue, two queues
    /// of one record, or none. While one of the two cannot be asked nothing is known to be wrong: `tally serve` asks
    /// again and again, and so does every run of the reconciler.
    private func pair(
        _ queue: RedisQueue, _ ledger: Ledger, _ check: ShardCheck, _ shards: Shards
    ) async throws {
        guard let pairing = Pairing(queue, ledger.driver) else { return }
        var known: QueueIdentity?
        // Set even where a store is away: the connection that comes about is then asked about.
        defer {
            if !isReading {
                queue.checkServers(known: known) { await Self.answer(queue, pairing, check) }
            }
        }
        if shards.away[queue.configuration.part.shard] != nil { return }
        if ledger.isAway {
            if case .refused(let refusal) = await check.answer(of: queue) { throw refusal }
            return
        }
        do {
            let identity = try await pairing.check(isDry: isReading)
            known = identity
            check.agreed(to: identity)
        } catch let error as LedgerError where error.mayRetry {
            observer.dutyFailed("open", error)
            if case .refused(let refusal) = await check.answer(of: queue) { throw refusal }
        } catch let error as QueueError where error.mayRetry || settings.mode == .recorded {
            // Away, and allowed to be: it answered the look, so nobody was told yet.
            observer.dutyFailed(queue.configuration.part.name("open"), error)
        } catch let refused as PairingRefused {
            throw QueueError(.wrongServer, "open", "\(refused)")
        }
    }

    /// Whether the server that a connection has reached is still the ledger's queue.
    private static func answer(
        _ queue: RedisQueue, _ pairing: Pairing, _ check: ShardCheck
    ) async -> ServerGate.Answer {
        do {
            check.agreed(to: try await pairing.check(isPatient: false))
            return .agreed
        } catch let refused as PairingRefused {
            let code: QueueError.Code = refused.reason == .stillLives ? .unavailable : .wrongServer
            return .refused(QueueError(code, "connect to Redis", "\(refused)"))
        } catch {
            // away: what can be done without it goes on, unless the server itself says that it is another shard
            if case .refused(let refusal) = await check.answer(of: queue) { return .refused(refusal) }
            return .unknown
        }
    }

    // MARK: The ledger

    /// Reads whose schema it is, and writes nothing.
    private func openLedger() async throws -> Ledger? {
        guard let url = settings.postgresURL else { return nil }
        let schema = Settings.schema(settings.namespace) ?? "tally"
        let configuration = try PostgresConfiguration(url: url, schema: schema, connectTimeout: connecting)
        var isAway = false
        let ledger = try await PostgresLedger.open(configuration) {
            observer.dutyFailed("open", $0)
            isAway = true
        }
        if isAway { return Ledger(driver: ledger, isAway: true) }
        do {
            try settings.check(owner: try await ledger.namespace())
            return Ledger(driver: ledger, isAway: false)
        } catch let error as LedgerError where error.mayRetry {
            observer.dutyFailed("open", error)
            return Ledger(driver: ledger, isAway: true)
        } catch {
            await ledger.close()
            throw error
        }
    }

    private func claim(_ ledger: PostgresLedger) async throws {
        do {
            try settings.check(owner: try await ledger.claimNamespace(settings.namespace))
        } catch let error as LedgerError where error.mayRetry {
            // The schema stays nobody's until the next start, or `tally migrate`, claims it.
            observer.dutyFailed("open", error)
        }
    }
}

extension QueueStore {
    /// A shard that did not answer as a command opened that answers once: it says so at once of all that such a
    /// command asks, its jobs and its log, for to ask again would wait as long once more. It never comes back.
    fileprivate func answering(_ error: QueueError) -> QueueStore {
        var store = self
        store.inspection = AwayShard(error: error)
        store.transitions = AwayShard(error: error)
        return store
    }
}

private struct AwayShard: QueueInspection, TransitionLog {
    let error: QueueError

    func inspect(_ ids: [JobID], bodies: QueueView.Bodies) async throws(QueueError) -> QueueView {
        throw error
    }
    func counts() async throws(QueueError) -> [QueueCounts] { throw error }
    func scan(_ cursor: String, limit: Int) async throws(QueueError) -> (ids: [JobID], next: String?) {
        throw error
    }
    func log(after position: LogPosition, limit: Int, bytes: Int) async throws(QueueError) -> [LogEntry] {
        throw error
    }
    func report(applied position: LogPosition) async throws(QueueError) { throw error }
    func history() async throws(QueueError) -> QueueHistory { throw error }
    func open(epoch: Int64) async throws(QueueError) { throw error }
}
