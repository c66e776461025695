import Synchronization
import TallyCore

/// Frees unique keys that nobody frees on the way: those whose time is over, in both halves, and those that a
/// client's open transaction held when their job ended. And tells each new epoch of a queue, whose data may be gone,
/// which half keeps the keys of each queue.
public final class KeyFreer: Sendable {
    private let queue: QueueStore
    private let ledger: LedgerStore?
    /// How far the walk through the queue's keys has come; it begins anew at the end.
    private let cursor = Mutex("")

    /// Begins at the first key. Without a ledger only the queue's keys are freed.
    public init(queue: any QueueDriver, ledger: (any LedgerDriver)?) {
        self.queue = queue.store
        self.ledger = ledger?.store
    }

    /// A bounded number of keys in each half. Answers how many were freed. A crash leaves the rest to the next step.
    /// - Throws: the first error of its parts, once each has had its turn: one that fails stops none of the others.
    public func step() async throws -> Int {
        var freed = 0
        var failure: (any Error)?
        for part in [freeInLedger, freeInQueue, restoreKeyHomes] {
            do { freed += try await part() } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
        return freed
    }

    private func freeInLedger() async throws -> Int {
        guard let ledger = ledger?.repair else { return 0 }
        return try await ledger.freeKeys(limit: Limits.keysPerStep)
    }

    private func freeInQueue() async throws -> Int {
        guard let structures = queue.structures else { return 0 }
        let from = cursor.withLock { $0 }
        let (freed, next) = try await structures.pruneKeys(from, limit: Limits.keysPerStep)
        cursor.withLock { $0 = next ?? "" }
        return freed
    }

    /// Once an epoch, since the data may be gone with the one before it.
    private func restoreKeyHomes() async throws -> Int {
        if let ledger = ledger?.keyHomes { try await queue.keyHomes?.learn(from: ledger) }
        return 0
    }

    /// The steps as a duty; any number of processes may run it.
    package func duty() -> Duty {
        Duty(queue.part.name("free keys"), pause: .afterStep(Limits.keyPause)) { [self] in
            let freed = try await step()
            return Duty.Step(freed, isMore: freed >= Limits.keysPerStep)
        }
    }
}
