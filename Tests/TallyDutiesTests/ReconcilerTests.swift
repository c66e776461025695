import TallyCore
import TallyPostgres
import TallyRedis
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties
@testable import Tallystick

/// The reconciler over a real queue that fails at one of its calls, before it happens or after.
@Suite(.serialized, .timeLimit(.minutes(2))) struct `A queue that fails under the reconciler` {
    static let calls: [FaultyQueue.Call] = [
        .fence, .structures, .mend, .inspect, .scan, .history, .log, .repair,
    ]

    @Test(arguments: calls, [FaultyQueue.Fault.refuse(.unavailable), .dropReply])
    func `loses no job, and the next run mends what is left [P3, I13]`(
        _ call: FaultyQueue.Call, _ fault: FaultyQueue.Fault
    ) async throws {
        try await Halves.with { halves in
            let drifted = [try await halves.provoke(.twice), try await halves.provoke(.waits, keeping: true)]
            let queue = FaultyQueue(halves.queue)
            let reconciler = try Reconciler(
                queue: queue, ledger: halves.ledger, mirror: Mirror(queue: queue, ledger: halves.ledger))

            queue.inject(fault, on: call)
            let error = await caught((any Error).self) {
                try await reconciler.run(.repair)
            }
            #expect(queue.count(of: call) > 0, "the run did not make this call")
            // What it could do before stays done; what it could not is found by the next.
            let (after, _) = try await halves.reconcile(.repair)
            let (again, statement) = try await halves.reconcile(.dry)

            #expect(after.exitCode < 2, "after \(String(describing: error)): \(after)")
            #expect(again.findings.isEmpty && statement.holds, "\(again.findings)")
            #expect(try await halves.queue.inspect(drifted).held.count == drifted.count)
            let leased = try await halves.queue.reserve(
                ReserveWish([.default], limit: 10, lease: .seconds(60), worker: WorkerID("w"))
            ).jobs.map(\.lease.id)
            #expect(Set(leased) == Set(drifted) && leased.count == drifted.count)
        }
    }
}
