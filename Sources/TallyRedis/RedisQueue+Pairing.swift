import TallyCore

extension RedisQueue: QueuePairing {
    public func sighting() async throws(QueueError) -> QueueSighting { try await pair(ledger: "", id: "") }

    public func pair(ledger: String, id: String) async throws(QueueError) -> QueueSighting {
        let answer = try await call("pair") { head, _ in
            head.bulk(ledger)
            head.bulk(id)
        }
        guard answer.values.count >= 8, let epoch = answer.values[1].number,
            let known = answer.values[4].text, let own = answer.values[5].text,
            let server = answer.values[6].text, let past = answer.values[7].text
        else { throw malformed("pair") }
        return QueueSighting(
            id: own.isEmpty ? nil : own, epoch: epoch,
            past: past.split(separator: " ").compactMap { Int64($0) },
            server: "\(server)/\(configuration.database)", place: configuration.place,
            ledger: known.isEmpty ? nil : known)
    }
}
