import TallyCore

/// Warns while the log fills, since mode queued is refused once it is full. Half of the budget is never reached while
/// the ledger follows: from there on a report trims all that is applied.
struct LogWatch: Sendable {
    let queue: QueueStore
    let observer: any JobObserver
    var budget = Limits.logEntries

    func step() async throws(QueueError) {
        let length = try await queue.transitions.history().logLength
        if length > budget / 2 {
            observer.dutyFailed(queue.part.name("mirror"), LogFills(length: length, budget: budget))
        }
    }

    /// Looks for keys that a foreign hand has written over. It comes after the check of the server, whose connection
    /// frees the places that nobody has to look at first.
    ///
    /// - Throws: `ForeignKeysFound`.
    func checkKeys() async throws {
        let keys = try await queue.foreignKeys?.foreignKeys(withAside: false) ?? []
        if !keys.isEmpty { throw ForeignKeysFound(keys: keys) }
    }

    /// Also fails when somebody has set the server to throw jobs away, or has written over a key.
    func duty() -> Duty {
        Duty(
            queue.part.name("watch Redis"), pause: .afterStep(Limits.verify), delay: Limits.verify,
            silence: Limits.verifySilence
        ) {
            try await step()
            try await queue.verification?.verify()
            try await checkKeys()
            return Duty.Step(0)
        }
    }
}

/// The ledger does not follow: at the budget mode queued is refused.
public struct LogFills: Error, Hashable, Sendable, CustomStringConvertible {
    /// Entries that the log holds.
    public let length: Int
    /// Entries that it may hold.
    public let budget: Int
    public var description: String {
        "the log holds \(length) entries; at \(budget) mode queued is refused: is Postgres away, or slow?"
    }
}

/// A foreign hand has written over keys of the queue: some calls fail until a person has looked at them.
public struct ForeignKeysFound: Error, Hashable, Sendable, CustomStringConvertible {
    /// Those that stand in their places.
    public let keys: [ForeignKey]
    public var description: String {
        keys.map(\.description).joined(separator: "; ") + ": ops/runbooks/D39.md"
    }
}
