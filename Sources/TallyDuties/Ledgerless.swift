import TallyCore

/// A queue without a ledger: mode queued without Postgres. What the mirror and the reconciler do elsewhere is done
/// here without comparing anything: the log is trimmed, tombstones age, a new epoch is opened at once.
struct Ledgerless: Sendable {
    let queue: QueueStore

    /// - Throws: `HasLedger`: the log would be trimmed of what that ledger does not have yet.
    func check() async throws {
        if let ledger = try await queue.structures?.survey().ledger {
            throw HasLedger(ledger: ledger)
        }
    }

    func trim() async throws {
        try await check()
        try await queue.transitions.report(applied: queue.transitions.history().end)
    }

    /// Answers 1 when it opened an epoch.
    func open() async throws -> Int {
        let history = try await queue.transitions.history()
        guard history.isHeld else { return 0 }
        try await check()
        try await queue.transitions.open(epoch: history.epoch)
        return 1
    }

    func duties() -> [Duty] {
        [
            Duty(queue.part.name("trim"), pause: .afterStep(Limits.trim)) {
                try await trim()
                return Duty.Step(0)
            },
            Duty(
                queue.part.name("open epoch"), pause: .afterStep(Limits.epochWatch),
                silence: Limits.openSilence
            ) {
                Duty.Step(try await open())
            },
        ]
    }
}

/// This queue has a ledger, and the program was started without one.
public struct HasLedger: Error, Hashable, Sendable, CustomStringConvertible {
    /// The identity of that ledger.
    public let ledger: String
    public var description: String {
        "this Redis namespace belongs to the ledger \(ledger), and no ledger was given: set TALLY_POSTGRES_URL; "
            + "nothing was trimmed"
    }
}
