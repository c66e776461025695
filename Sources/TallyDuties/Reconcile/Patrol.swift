import TallyCore

/// The reconciler's rounds inside `tally serve`: everything is compared, mended and recorded, within a share of both
/// stores, again and again. Of any number of them one walks at a time: the lease decides.
///
/// A round goes through the shards, and one that is away or whose epoch is held stops no other. The one that was come
/// to longest ago is the first, and each goes on among its jobs where it was cut off. So rounds of which none comes
/// to its end still come to every row of every shard, where each gets beyond the walk through a shard's structures
/// with which its turn begins; to what Redis alone holds they come behind the rows. What the ledger has once is
/// looked at before them all.
public struct Patrol: Sendable {
    private let reconcilers: [Reconciler]
    private let observer: any JobObserver
    private let pause: Duration

    /// A patrol of the only shard.
    ///
    /// - Parameter pause: from the end of a round to the beginning of the next.
    public init(
        reconciler: Reconciler, observer: any JobObserver = SilentObserver(),
        pause: Duration = Limits.patrol
    ) {
        self.init(reconcilers: [reconciler], observer: observer, pause: pause)
    }

    /// - Parameter reconcilers: one a shard, all of them, beside one ledger.
    public init(
        reconcilers: [Reconciler], observer: any JobObserver = SilentObserver(),
        pause: Duration = Limits.patrol
    ) {
        self.reconcilers = reconcilers
        self.observer = observer
        self.pause = pause
    }

    /// One round. Its runs are recorded; the age of a shard's is that of its last full comparison.
    ///
    /// - Returns: the runs that came to their end, in order; none where another reconciler is at it, or waits for it.
    /// - Throws: the first error of those that failed, once each has had its turn.
    public func step() async throws -> [ReconcileRun] { try await round().runs }

    private struct Round {
        var runs: [ReconcileRun] = []
        /// Somebody else has what was not compared, or is to have it.
        var isElsewhere = false
    }

    private func round() async throws -> Round {
        var round = Round()
        var failure: (any Error)?
        for pass in try await passes() {
            var options = ReconcileOptions(.serve)
            options.pace = Pace()
            do {
                let run = try await pass(options)
                if run.repaired > 0 { observer.dutyDid("reconcile: repaired", run.repaired) }
                if run.left > 0 { observer.dutyFailed("reconcile", DriftLeft(run)) }
                round.runs.append(run)
            } catch is EpochHeld {
                round.isElsewhere = true
            } catch is RepairLease.Taken, is RepairLease.GaveWay {
                round.isElsewhere = true
                break
            } catch {
                try Task.checkCancellation()
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return round
    }

    private typealias Pass = @Sendable (ReconcileOptions) async throws -> ReconcileRun

    private func passes() async throws -> [Pass] {
        let shards = reconcilers.map { reconciler in
            (part: reconciler.queue.part, pass: reconciler.pass as Pass)
        }
        guard let first = reconcilers.first, shards.count > 1 else { return shards.map(\.pass) }
        let began = try await first.ledger.repair?.lastRounds() ?? [:]
        func turn(_ part: ShardPart) -> (Timestamp, Shard) {
            (began[part.shard] ?? Timestamp(microseconds: .min), part.shard)
        }
        let own = LedgerReconciler(
            ledger: first.ledger, map: first.queue.part.map, maxRepairs: first.maxRepairs)
        return [own.run] + shards.sorted { turn($0.part) < turn($1.part) }.map(\.pass)
    }

    /// The first round begins after a pause: opening an epoch comes first.
    package func duty() -> Duty {
        Duty(
            "reconcile", pause: .afterStep(pause), delay: pause,
            limit: Limits.patrolStep * reconcilers.count, silence: Limits.patrolSilence
        ) {
            let round = try await round()
            var step = Duty.Step(round.runs.reduce(0) { $0 + $1.scannedLedger + $1.scannedQueue })
            // Where a part was not compared the round has not succeeded, whatever came of the others.
            step.isElsewhere = round.isElsewhere
            return step
        }
    }
}

/// Drift that a round could not mend: somebody must look.
public struct DriftLeft: Error, CustomStringConvertible {
    /// The codes that are left, and the command that names their jobs.
    public let description: String
    init(_ run: ReconcileRun) {
        let codes = run.codesLeft.sorted()
        description = "drift left: \(codes.joined(separator: " ")); `tally reconcile` names it"
    }
}
