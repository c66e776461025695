import TallyCore

extension RedisQueue: QueueRecordLayout {
    public func recordLayout() async throws(QueueError) -> Int { try await recordLayout(raisedTo: nil) }

    public func raiseRecordLayout(to layout: Int) async throws(QueueError) {
        _ = try await recordLayout(raisedTo: layout)
    }

    private func recordLayout(raisedTo layout: Int?) async throws(QueueError) -> Int {
        // On a connection that nobody is asked about: the pairing, which answers for the others, calls this.
        let answer = try await call("raise", on: reads) { head, _ in
            head.bulk(layout.map(String.init) ?? "")
        }
        guard answer.values.count >= 4, let found = answer.values[3].number else {
            throw malformed("raise")
        }
        return Int(found)
    }
}
