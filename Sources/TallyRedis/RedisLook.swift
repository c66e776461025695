import TallyConnections
import TallyCore

/// What stands on a server before a program has written anything there, neither a key nor the functions: a start
/// that is refused by it leaves the server as it was.
package struct RedisLook: Sendable {
    /// Which queue it is. Where an epoch is due, the one here is reckoned by this machine's clock and without what
    /// the log has had: another number than `QueuePairing.identity` tells once it has begun. `past` says what led to
    /// it, and by that alone it is judged.
    package let identity: QueueIdentity
    /// As what shard of this namespace the server was paired under another number than it was asked for; nil = as
    /// none, or the user may not read those keys.
    package let keptAs: ShardPart?

    /// Looks on a connection of its own, which is closed again.
    package static func at(_ configuration: RedisConfiguration) async throws(QueueError) -> RedisLook {
        try await onThread(refused: { QueueError(.unavailable, "connect to Redis", "\($0)") }) {
            () throws(QueueError) in try RedisLook(configuration)
        }
    }

    private init(_ configuration: RedisConfiguration) throws(QueueError) {
        let connection = try RedisConnection(configuration, loadingLibrary: false)
        defer { connection.close() }
        let part = configuration.part
        let meta = RedisKey.meta.of(configuration.namespace, shard: part.shard.number)
        let answer = try connection.command(
            ["HMGET", meta, "run_id", "epoch", "epochs", "ledger", "queue"])
        if case .error(let text) = answer {
            let said = RedisRefusal.metForeignKey(answer) ? try Self.foreign(meta, connection) : text
            throw RedisRefusal.handshakeError(said, "connect to Redis", configuration.place)
        }
        guard let fields = answer.array?.map(\.text), fields.count == 5 else {
            throw RedisQueue.malformed("connect to Redis")
        }
        var epoch = fields[1].flatMap { Int64($0) } ?? 0
        var past = (fields[2] ?? "").split(separator: " ").compactMap { Int64($0) }
        if fields[0] != connection.runID {
            // About as `epoch.lua` begins one; no ledger knows the number yet, here or there.
            let next = max(epoch + 1, Timestamp.now.microseconds / 1000)
            past += (epoch > 0 && !past.contains(epoch) ? [epoch] : []) + [next]
            epoch = next
        }
        identity = QueueIdentity(
            id: fields[4], epoch: epoch, past: past,
            server: "\(connection.runID)/\(configuration.database)", place: configuration.place,
            ledger: fields[3], part: part)
        keptAs = fields[3] == nil ? try Self.keptAs(configuration, connection) : nil
    }

    /// What `attach` says of it: that is a function, and none is loaded yet.
    private static func foreign(
        _ meta: String, _ connection: RedisConnection
    ) throws(QueueError) -> String {
        let probes = [
            ("list", ["LLEN", meta]), ("set", ["SISMEMBER", meta, ""]), ("sorted set", ["ZSCORE", meta, ""]),
            ("stream", ["XLEN", meta]),
        ]
        var kind = "string"
        for (name, words) in probes {
            if case .error = try connection.command(words) { continue }
            kind = name
            break
        }
        return "FOREIGN \(meta) is a \(kind), and a hash belongs there"
    }

    private static func keptAs(
        _ configuration: RedisConfiguration, _ connection: RedisConnection
    ) throws(QueueError) -> ShardPart? {
        var others = OtherShards(configuration)
        while let words = others.question { others.heard(try connection.command(words)) }
        return others.found
    }
}

/// A look as a queue that says which one it is, and keeps nothing that it is told.
package struct LookedAt: QueuePairing {
    private let seen: QueueIdentity

    /// The queue of this look.
    package init(_ look: RedisLook) { seen = look.identity }

    /// As the look has seen it.
    package func identity() async throws(QueueError) -> QueueIdentity { seen }
    /// Keeps nothing: it answers what was seen, whatever it is told.
    package func pair(ledger: String, id: String) async throws(QueueError) -> QueueIdentity { seen }
}
