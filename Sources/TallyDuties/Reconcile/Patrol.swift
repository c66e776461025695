import TallyCore

/// The reconciler's rounds inside `tally serve`: everything is compared, mended and recorded, within a share of both
/// stores, again and again. Of any number of them one walks at a time: the lease decides. A round goes through the
/// shards, and one that is away stops no other.
public struct Patrol: Sendable {
    private let reconcilers: [Reconciler]
    private let observer: any JobObserver
    private let pause: Duration

    /// A patrol of this reconciler.
    ///
    /// - Parameter pause: from the end of a round to the beginning of the next.
    public init(
        reconciler: Reconciler, observer: any JobObserver = SilentObserver(),
        pause: Duration = Limits.patrol
    ) {
        self.init(reconcilers: [reconciler], observer: observer, pause: pause)
    }

    /// - Parameter reconcilers: one a shard.
    public init(
        reconcilers: [Reconciler], observer: any JobObserver = SilentObserver(),
        pause: Duration = Limits.patrol
    ) {
        self.reconcilers = reconcilers
        self.observer = observer
        self.pause = pause
    }

    /// One round of the first shard, for where there is one; nil if another reconciler is at it, or waits for it. The
    /// run is recorded; its age is that of the last full comparison.
    public func step() async throws -> ReconcileRun? { try await round(reconcilers[0]) }

    private func round(_ reconciler: Reconciler) async throws -> ReconcileRun? {
        var options = ReconcileOptions(.serve)
        options.pace = Pace()
        do {
            return try await reconciler.run(options).run
        } catch is RepairLease.Taken {
            return nil
        } catch is RepairLease.GaveWay {
            return nil
        }
    }

    /// The first round begins after a pause: opening an epoch comes first.
    package func duty() -> Duty {
        Duty(
            "reconcile", pause: .afterStep(pause), delay: pause, limit: Limits.patrolStep,
            silence: Limits.patrolSilence
        ) {
            var scanned = 0
            var failure: (any Error)?
            for reconciler in reconcilers {
                do {
                    guard let run = try await round(reconciler) else { return .elsewhere }
                    if run.repaired > 0 { observer.dutyDid("reconcile: repaired", run.repaired) }
                    if run.left > 0 { observer.dutyFailed("reconcile", DriftLeft(run)) }
                    scanned += run.scannedLedger + run.scannedQueue
                } catch {
                    try Task.checkCancellation()
                    failure = failure ?? error
                }
            }
            if let failure { throw failure }
            return Duty.Step(scanned)
        }
    }
}

/// Drift that a round could not mend: somebody must look.
public struct DriftLeft: Error, CustomStringConvertible {
    /// The codes that are left, and the command that names their jobs.
    public let description: String
    init(_ run: ReconcileRun) {
        let codes = Set(run.findings.filter { $0.outcome != "repaired" && $0.outcome != "raced" }.map(\.code))
        description = "drift left: \(codes.sorted().joined(separator: " ")); `tally reconcile` names it"
    }
}
