import TallyCore

extension JobClient {
    /// Enqueues all of them in one step, or none, to begin one after another in equal steps over this time, so that
    /// what they call is not met by all of them at once. The first begins now, by the store's clock; one that names
    /// a time of its own keeps it.
    ///
    /// After `.uncertain` the same call would name other times, so that it is refused as `.idConflict` where the
    /// jobs are there. Where that matters, `records.spread(over:from:)` names the times once, and
    /// `enqueue(contentsOf:)` takes what it answers, as often as is needed.
    ///
    /// - Parameter time: from 0 on; jobs whose time would lie more than ten years ahead are `.invalid`.
    /// - Returns: a receipt for each, in order.
    /// - Throws: what `enqueue(contentsOf:)` throws, with the same left behind.
    @discardableResult
    public func enqueue(
        contentsOf records: [JobRecord], spreadOver time: Duration, durability: Durability? = nil
    ) async throws(EnqueueError) -> [Receipt] {
        if time < .zero || time > Limits.farthestRunAt {
            throw .invalid(
                .outOfRange(field: "spread", value: "\(time)", allowed: "0 and ten years"))
        }
        guard let first = records.first else { return [] }
        let begin = try await storeClock(for: first, durability)
        return try await enqueue(
            contentsOf: records.spread(over: time, from: begin), durability: durability)
    }
}
