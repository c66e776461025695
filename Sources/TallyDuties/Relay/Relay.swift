import TallyCore

/// Pushes what was recorded and not yet pushed: it covers a client that died between its commit and its push, and
/// feeds a queue that was over its window.
///
/// Each shard has its own: one that is away holds up the rows of its queues alone.
///
/// A crash after the push leaves the outbox row: the next pass pushes again and is answered `exists` or `ended`.
public struct Relay: Sendable {
    private let queue: QueueStore
    private let ledger: LedgerStore
    private let observer: any JobObserver

    /// - Parameter observer: is told what was set aside, and which queue could not be relayed.
    public init(
        queue: any QueueDriver, ledger: any LedgerDriver, observer: any JobObserver = SilentObserver()
    ) {
        self.queue = queue.store
        self.ledger = ledger.store
        self.observer = observer
    }

    /// One pass over every queue that has outbox rows, a page of them at a time. Answers how many rows are gone.
    public func step(olderThan age: Duration = Limits.relayAge) async throws -> Int {
        try await checkLedger()
        try await restoreKeyHomes()
        var deleted = 0
        var claim = RelayClaim(olderThan: age)
        claim.part = queue.part
        repeat {
            // Taken before the ledger is read: a push decided on older knowledge than 30 s is refused.
            let issued = try await queue.enqueueing.stamp()
            if issued.epoch == 0 { return deleted }  // the epoch is held: every push would be refused
            let delivery = Delivery(queue: queue, issued: issued, observer: observer)
            let pass = try await ledger.outbox.relay(claim) { row in try await delivery.deliver(row) }
            deleted += pass.deleted
            if pass.setAside > 0 {
                observer.dutyFailed(queue.part.name("relay"), JobsSetAside(count: pass.setAside))
            }
            claim.after = pass.next
        } while claim.after != nil
        return deleted
    }

    /// Before rows are claimed, since it asks the ledger, and the claim holds a connection of that. Damage is met
    /// again by the jobs that it is about.
    private func restoreKeyHomes() async throws {
        do {
            try await queue.keyHomes?.learn(from: ledger.keyHomes)
        } catch let error as QueueError where error.isOfThisCall {
            observer.dutyFailed(queue.part.name("relay"), error)
        }
    }

    /// A ledger that reported more than it knows was restored from an old dump: its outbox holds jobs that may have
    /// run and ended since. The queue is asked first, so a ledger that goes on meanwhile is never called behind.
    private func checkLedger() async throws {
        guard let reported = try await queue.structures?.survey().reported else { return }
        let applied = try await ledger.mirror.cursor(of: queue.part.shard)
        if applied < reported { throw LedgerBehind(applied: applied, reported: reported) }
    }

    /// The relay as a duty; any number of processes may run it, since each claims other rows.
    package func duty() -> Duty {
        Duty(queue.part.name("relay"), pause: .afterStep(Limits.relayPause)) {
            let count = try await step()
            return Duty.Step(count, isMore: count >= Limits.relayRows)
        }
    }
}

/// Told to the observer: these jobs ended as failed, with the reason, or have no row; they stand in quarantine (D19).
public struct JobsSetAside: Error, Hashable, Sendable, CustomStringConvertible {
    /// How many of one page.
    public let count: Int
    public var description: String {
        "\(count) jobs can never be pushed and were set aside; the table quarantine says why "
            + "(ops/runbooks/D19.md)"
    }
}

/// The ledger is older than what it once reported (D18).
public struct LedgerBehind: Error, Hashable, Sendable, CustomStringConvertible {
    /// How far the ledger is.
    public let applied: LogPosition
    /// How far it has told the queue that it was.
    public let reported: LogPosition
    public var description: String {
        "the ledger stands at \(applied) and has reported \(reported): it was restored from an old dump; "
            + "nothing is pushed until `tally reconcile` has been asked (ops/runbooks/D18.md)"
    }
}
