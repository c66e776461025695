import TallyCore
import TallyRuntime
import TestSupport
import Testing

@testable import Tallystick

@Suite struct `Two namespaces on one pair of servers` {
    @Test func `never see each other's jobs [I2]`() async throws {
        try await withScratch { mine in
            try await withScratch { theirs in
                let id = JobID()
                let client = JobClient(queue: mine.queue, ledger: mine.ledger)
                try await client.enqueue(JobRecord(id: id, type: "t", queue: "shared"))
                await client.drain()

                let wish = ReserveWish(["shared"], limit: 10, lease: .seconds(60), worker: WorkerID("w"))
                let others = try await theirs.queue.reserve(wish)
                let own = try await mine.queue.reserve(wish)

                #expect(others.jobs.isEmpty)
                #expect(own.jobs.map(\.record.id) == [id])
                #expect(try await theirs.ledger.jobs([id]).isEmpty)
                #expect(try await mine.ledger.jobs([id])[id]?.record.queue == "shared")
            }
        }
    }
}
