import TallyCore

extension RedisQueue: QueuePairing {
    public func identity() async throws(QueueError) -> QueueIdentity { try await pair(ledger: "", id: "") }

    public func pair(ledger: String, id: String) async throws(QueueError) -> QueueIdentity {
        // On a connection that nobody is asked about: whoever is asked calls this.
        let answer = try await call("pair", on: reads) { head, _ in
            head.bulk(ledger)
            head.bulk(id)
        }
        guard answer.values.count >= 8, let epoch = answer.values[1].number,
            let known = answer.values[4].text, let own = answer.values[5].text,
            let server = answer.values[6].text, let past = answer.values[7].text
        else { throw malformed("pair") }
        return QueueIdentity(
            id: own.isEmpty ? nil : own, epoch: epoch,
            past: past.split(separator: " ").compactMap { Int64($0) },
            server: "\(server)/\(configuration.database)", place: configuration.place,
            ledger: known.isEmpty ? nil : known, part: part)
    }

    /// The ledger's ids that the server keeps under the numbers of other shards of this namespace: it has some where
    /// it is one of them and was taken for this one. Writes nothing.
    package func namesOfOtherShards() async throws(QueueError) -> [String] {
        let keys = Self.metaOfOtherShards(configuration)
        // In nearly every case there is none, and one question says so.
        guard let count = try await command(["EXISTS"] + keys).number else { throw malformed("pair") }
        if count == 0 { return [] }
        var names: [String] = []
        for key in keys {
            if let name = try await command(["HGET", key, "ledger"]).text { names.append(name) }
        }
        return names
    }

    static func metaOfOtherShards(_ configuration: RedisConfiguration) -> [String] {
        (0..<Int16(Limits.shards)).filter { $0 != configuration.part.shard.number }
            .map { RedisKey.meta.of(configuration.namespace, shard: $0) }
    }

    private func command(_ words: [String]) async throws(QueueError) -> RedisReply {
        var writer = RESPWriter()
        for word in words { writer.bulk(word) }
        return try await command(writer)
    }

    /// From now on a connection for the verbs that reaches another server, or another epoch, than `known` carries a
    /// call only once `check` agrees: after every reconnect, for as long as this queue is open.
    package func checkServers(known: QueueIdentity?, _ check: @escaping ServerGate.Check) {
        let known = known.flatMap { identity in
            identity.server.split(separator: "/").first.map {
                ServerGate.Server(runID: String($0), epoch: identity.epoch)
            }
        }
        gate.begin(known, check)
    }
}
