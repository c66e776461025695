import TallyCore

extension RedisQueue: ForeignKeySearch {
    /// It goes over the lane of what only reads, which inspections share: the connection of the verbs may be about to
    /// be given up for what one of them has met.
    public func foreignKeys(withAside: Bool) async throws(QueueError) -> [ForeignKey] {
        let answer = try await call("foreign", on: reads) { head, _ in head.bulk(withAside ? "1" : "0") }
        guard answer.values.count >= 3, answer.values.count % 3 == 0 else { throw malformed("foreign") }
        let words = answer.values.dropFirst(3).map { $0.text ?? "" }
        return stride(from: 0, to: words.count, by: 3).map { at in
            ForeignKey(
                key: words[at], kind: words[at + 1], wanted: words[at + 2].isEmpty ? nil : words[at + 2])
        }
    }
}
