import Synchronization
import TallyCore
import TallyRedis

/// For a process without a ledger, such as a worker, and for one whose ledger is away: whether each server of the
/// list is the shard that it is taken for, and all are of one ledger. The servers know, once a process with the
/// ledger has paired them.
final class ShardCheck: Sendable {
    private struct Seen {
        let ledger: Substring
        let place: String

        init(_ name: String, _ place: String) {
            ledger = ShardPart.ledger(ofPairedName: name)
            self.place = place
        }
    }
    private let shards: [RedisQueue]
    /// Of each shard the server that was agreed to last: one that was refused says nothing about the others.
    private let seen = Mutex<[Shard: Seen]>([:])

    init(_ shards: [RedisQueue]) { self.shards = shards }

    /// What is refused before anything is written to the servers, as far as looks at them tell it.
    ///
    /// - Throws: as `run` does.
    static func check(_ looks: [RedisLook]) throws(QueueError) {
        var known: (part: ShardPart, seen: Seen)?
        for look in looks {
            let (part, place) = (look.identity.part, look.identity.place)
            guard let name = look.identity.ledger else {
                if let other = look.keptAs { throw refusal(place, other, part) }
                continue
            }
            let own = ShardPart(pairedName: name) ?? .whole
            if own != part { throw refusal(place, own, part) }
            let seen = Seen(name, place)
            if let known, known.seen.ledger != seen.ledger {
                throw ofTwoLedgers(part, seen, known.part.shard, known.seen)
            }
            known = known ?? (part, seen)
        }
    }

    /// - Parameter away: those that did not answer a moment ago: they are asked when they are back.
    /// - Throws: `.wrongServer` for one of several that is given alone, a list in another order or of another length,
    ///   or of two ledgers; and where nobody has paired one of several servers for longer than `tally serve` needs.
    ///   A server that is away is asked when it is back.
    func run(away: Set<Shard> = []) async throws(QueueError) {
        let deadline = ContinuousClock.now + Limits.queueLives
        for shard in shards {
            while !away.contains(shard.configuration.part.shard) {
                let answer = await answer(of: shard)
                if case .refused(let error) = answer { throw error }
                if case .agreed = answer { break }
                if shard.configuration.part.isWhole { break }  // one alone needs no ledger
                // Away, or told apart only by one that is away: it is asked when that is back.
                guard let reading = try? await shard.identity(), reading.ledger == nil else { break }
                if ContinuousClock.now > deadline {
                    throw QueueError(
                        .wrongServer, "open",
                        "\(shard.configuration.part) belongs to no ledger yet, and several shards need one: set "
                            + "TALLY_POSTGRES_URL, or start `tally serve` first")
                }
                do { try await Task.sleep(for: Limits.dutyLease / 5) } catch {
                    throw QueueError(.cancelled, "open")
                }
            }
            shard.checkServers(known: nil) { await self.answer(of: shard) }
        }
    }

    /// The ledger has agreed to this server: while it is away the others are judged by that.
    func agreed(to identity: QueueIdentity) {
        guard let name = identity.ledger else { return }
        seen.withLock { $0[identity.part.shard] = Seen(name, identity.place) }
    }

    /// What the server itself says. `.unknown`: it is away, nobody has paired it, or it belongs to another ledger
    /// than one that cannot be asked.
    func answer(of shard: RedisQueue) async -> ServerGate.Answer {
        let part = shard.configuration.part
        // away: the next connection asks again
        guard let reading = try? await shard.identity() else { return .unknown }
        guard let name = reading.ledger else {
            // away since, or nobody's: the next connection asks again
            guard let other = try? await shard.keptAs() else { return .unknown }
            return .refused(Self.refusal(reading.place, other, part))
        }
        let own = ShardPart(pairedName: name) ?? .whole
        if own != part { return .refused(Self.refusal(reading.place, own, part)) }
        return await agreed(part, Seen(name, reading.place))
    }

    private static func refusal(_ place: String, _ own: ShardPart, _ part: ShardPart) -> QueueError {
        QueueError(
            .wrongServer, "open",
            "the Redis at \(place) is \(own.isWhole ? "the only shard of its ledger" : "\(own)"), and "
                + "TALLY_REDIS_URL names it \(part.isWhole ? "alone" : "as \(part)"): name all of them there, "
                + "in the order of their shards")
    }

    private static func ofTwoLedgers(
        _ part: ShardPart, _ own: Seen, _ shard: Shard, _ other: Seen
    ) -> QueueError {
        QueueError(
            .wrongServer, "open",
            "the Redis at \(own.place) and the one at \(other.place) are \(part) and shard \(shard) of "
                + "two ledgers: name the shards of one in TALLY_REDIS_URL, in their order")
    }

    /// Unless another shard of the list belongs to another ledger.
    private func agreed(_ part: ShardPart, _ own: Seen) async -> ServerGate.Answer {
        let others = seen.withLock { seen in
            seen.filter { $0.key != part.shard && $0.value.ledger != own.ledger }.sorted { $0.key < $1.key }
        }
        for (shard, other) in others {
            // It may have become this ledger's since it was asked, or nobody's.
            guard let now = try? await shards[Int(shard.number)].identity(), let name = now.ledger else {
                return .unknown
            }
            if ShardPart.ledger(ofPairedName: name) == own.ledger {
                seen.withLock { $0[shard] = Seen(name, now.place) }
                continue
            }
            return .refused(Self.ofTwoLedgers(part, own, shard, other))
        }
        seen.withLock { $0[part.shard] = own }
        return .agreed
    }
}
