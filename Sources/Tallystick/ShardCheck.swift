import TallyCore
import TallyRedis

/// For a process without a ledger, such as a worker: whether each server of the list is the shard that it is taken
/// for. The servers know, once a process with the ledger has paired them.
struct ShardCheck: Sendable {
    private let shards: [RedisQueue]

    init(_ shards: [RedisQueue]) { self.shards = shards }

    /// - Throws: `.wrongServer` for a list in another order or of another length, and where nobody has paired a
    ///   server
    ///   for longer than `tally serve` needs. A server that is away is asked when it is back.
    func run() async throws(QueueError) {
        let deadline = ContinuousClock.now + Limits.queueLives
        for shard in shards {
            while true {
                let answer = await Self.answer(of: shard)
                if case .refused(let error) = answer { throw error }
                if case .agreed = answer { break }
                // away: it is asked when it is back
                if (try? await shard.identity()) == nil { break }
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
            shard.checkServers(known: nil) { await Self.answer(of: shard) }
        }
    }

    private static func answer(of shard: RedisQueue) async -> ServerGate.Answer {
        let part = shard.configuration.part
        // away: the next connection asks again
        guard let reading = try? await shard.identity(), let name = reading.ledger else { return .unknown }
        // The id of the ledger itself is not known here; what follows it is.
        let own = ShardPart(pairedName: name, of: String(name.prefix(30)) + "______")
        if own == part { return .agreed }
        return .refused(
            QueueError(
                .wrongServer, "open",
                "the Redis at \(reading.place) is \(own.map { "\($0)" } ?? "the only shard of its ledger"), and "
                    + "TALLY_REDIS_URL names it as \(part): name all of them there, in the order of their shards"
            ))
    }
}
