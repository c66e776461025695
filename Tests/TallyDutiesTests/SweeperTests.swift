import TallyCore
import TallyMemory
import TallyTesting
import Testing

@testable import TallyDuties

@Suite struct `The sweeper` {
    @Test func `reclaims and promotes where no worker reserves [C15]`() async throws {
        let clock = ManualClock()
        let memory = MemoryQueue(clock: clock.reading)
        let (leased, due) = (
            JobRecord(type: "t", queue: "a", createdAt: clock.now),
            JobRecord(type: "t", queue: "b", runAt: clock.now + .seconds(5), createdAt: clock.now)
        )
        _ = try await memory.push([Push(leased), Push(due)], issued: nil)
        _ = try await memory.reserve(ReserveWish(["a"], limit: 1, worker: WorkerID("w")))
        clock.advance(by: .seconds(30))

        #expect(try await Sweeper(queue: memory).step() == 2)

        let view = try await memory.inspect([leased.id, due.id])
        #expect(view.held[leased.id]?.status == .pending && view.held[leased.id]?.crashes == 1)
        #expect(view.held[due.id]?.status == .pending)
    }
}
