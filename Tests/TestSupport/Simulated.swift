import TallyPostgres
import TallyRedis
import TallyTesting
import Tallystick

extension ScratchNamespace {
    /// As the simulation wants it.
    ///
    /// - Parameter clock: the one that it was opened with.
    package func simulated(_ clock: ManualClock) throws -> SimulationStore {
        let (queue, ledger) = (queue, ledger)
        return try SimulationStore(
            queue: queue, ledger: ledger, clock: clock,
            complete: { lease in
                try await ledger.withTransaction { transaction in
                    try await ledger.complete(lease, result: [], in: transaction)
                }
            },
            flush: { try await queue.flush() },
            image: {
                let image = try await queue.image()
                return { try await queue.restart(from: image) }
            })
    }
}
