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

    /// As what shard of this namespace the server was paired under another number than it was asked for; nil = as
    /// none, or the user may not read those keys. Writes nothing.
    ///
    /// - Throws: where the server is away.
    package func keptAs() async throws(QueueError) -> ShardPart? {
        var others = OtherShards(configuration)
        while let words = others.question {
            do throws(QueueError) {
                others.heard(try await command(words))
            } catch {
                if error.mayRetry || error.code == .closed { throw error }
                others.heard(.error(error.detail))
            }
        }
        return others.found
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
