import Synchronization
import TallyCore

/// The right to repair, held in the ledger: never two reconcilers at once. The time is counted from before each
/// renewal was asked for, by this process' own clock, so it ends here no later than there.
final class RepairLease: Sendable {
    struct Taken: Error, CustomStringConvertible {
        var description: String {
            "another reconciler holds the lease to repair; it ends by itself, at the latest "
                + "\(Limits.reconcilerLease.components.seconds) s after that process"
        }
    }
    private let ledger: (any ReconcilableLedger)?
    private let holder: String
    private let token = JobID()
    private let until = Mutex(ContinuousClock.now)

    /// - Parameter ledger: one that keeps no lease keeps nobody apart.
    init(_ ledger: any LedgerDriver, holder: String) {
        self.ledger = ledger as? any ReconcilableLedger
        self.holder = holder
    }

    /// Renews the lease where half of it has gone. Asked before every repair.
    ///
    /// - Throws: `Taken` when it is somebody else's.
    func keep() async throws {
        guard let ledger else { return }
        let now = ContinuousClock.now
        if until.withLock({ $0 > now + Limits.reconcilerLease / 2 }) { return }
        let wish = LeaseWish(
            name: LeaseWish.reconcile, token: token, holder: holder, length: Limits.reconcilerLease)
        guard case .held = try await ledger.lease(wish) else { throw Taken() }
        until.withLock { $0 = now + Limits.reconcilerLease }
    }

    func end() async {
        // it runs out by itself
        try? await ledger?.endLease(LeaseWish.reconcile, token: token)
    }
}
