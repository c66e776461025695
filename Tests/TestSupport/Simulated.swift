import TallyPostgres
import TallyRedis
import TallyTesting
import Tallystick

extension ScratchNamespace {
    /// As the simulation wants it; made with a test clock.
    package var simulated: SimulationStore {
        let (queue, ledger) = (queue, ledger)
        return SimulationStore(
            queue: queue, ledger: ledger,
            complete: { lease in
                try await ledger.withTransaction { transaction in
                    try await ledger.complete(lease, result: [], in: transaction)
                }
            },
            flush: { try await queue.flush(hasTestClock: true) },
            image: {
                let image = try await queue.image()
                return { try await queue.restart(from: image) }
            })
    }
}
