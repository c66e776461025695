import TallyCore

/// The right to repair, kept in the ledger: never two reconcilers at once.
package enum RepairLease {
    /// Somebody else holds it.
    package struct Taken: Error, CustomStringConvertible {
        var holder = ""
        /// Who, and when that ends.
        package var description: String {
            "another reconciler\(holder.isEmpty ? "" : " (\(holder))") holds the lease to repair; it ends by itself, "
                + "at the latest \(Limits.reconcilerLease.components.seconds) s after that process"
        }
    }

    /// A round of `tally serve` was broken off for what is more urgent.
    struct GaveWay: Error, CustomStringConvertible {
        let description =
            "gave way to a run by hand, or to the opening of an epoch; the next round goes on here"
    }

    /// - Returns: nil where the ledger keeps no leases, and so keeps nobody apart.
    /// - Throws: `Taken` when somebody else holds it for longer than the run may wait.
    static func take(_ store: (any LeaseRegister)?, for options: ReconcileOptions) async throws -> HeldLease?
    {
        guard options.mode != .dry, let store else { return nil }
        let deadline = ContinuousClock.now + options.patience
        let wish = LeaseWish(
            name: LeaseWish.reconcile, token: JobID(), holder: "\(options.actor)@\(options.host)",
            length: Limits.reconcilerLease, isUrgent: options.mode != .serve)
        while true {
            switch try await HeldLease.ask(wish, of: store) {
            case .held(let lease): return lease
            case .taken(let holder):
                if ContinuousClock.now >= deadline { throw Taken(holder: holder) }
                try await Task.sleep(for: Limits.epochWatch)
            }
        }
    }
}
