import TallyCore

/// Pushes what was recorded and not yet pushed: it covers a client that died between its commit and its push, and
/// feeds a queue that was over its window.
///
/// A crash after the push leaves the outbox row: the next pass pushes again and is answered `exists` or `ended`.
public struct Relay: Sendable {
    private let queue: any QueueDriver
    private let ledger: any LedgerDriver

    public init(queue: any QueueDriver, ledger: any LedgerDriver) {
        self.queue = queue
        self.ledger = ledger
    }

    /// One pass over up to 20 outbox rows. Answers how many rows were deleted.
    public func step(olderThan age: Duration = Limits.relayAge) async throws -> Int {
        // Taken before the ledger is read: a push decided on older knowledge than 30 s is refused.
        let issued = try await queue.stamp()
        if issued.epoch == 0 { return 0 }  // the epoch is held: every push would be refused
        try await checkLedger()
        let queue = self.queue
        let result = try await ledger.relay(rows: 20, olderThan: age) { row in
            for chunk in row.pushes.calls() {
                let answers = try await queue.push(chunk, issued: issued, at: nil)
                if answers.contains(where: { $0 == .full || $0 == .refused }) { return false }
            }
            return true
        }
        return result.deleted
    }

    /// A ledger that reported more than it knows was restored from an old dump: its outbox holds jobs that may have
    /// run and ended since. The queue is asked first, so a ledger that goes on meanwhile is never called behind.
    private func checkLedger() async throws {
        guard let reported = try await (queue as? any ReconcilableQueue)?.survey().reported else { return }
        let applied = try await ledger.cursor()
        if applied < reported { throw LedgerBehind(applied: applied, reported: reported) }
    }

    package func duty() -> Duty {
        Duty("relay", pause: .afterStep(Limits.relayPause)) {
            let count = try await step()
            return Duty.Step(count, isMore: count >= 20)
        }
    }
}

/// The ledger is older than what it once reported (D18).
public struct LedgerBehind: Error, Hashable, Sendable, CustomStringConvertible {
    public let applied: LogPosition
    public let reported: LogPosition
    public var description: String {
        "the ledger stands at \(applied) and has reported \(reported): it was restored from an old dump; "
            + "nothing is pushed until `tally reconcile` has been asked (ops/runbooks/D18.md)"
    }
}
