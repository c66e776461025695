import TallyCore
import TallyMemory
import TallyTesting
import Testing

@Suite struct `A faulty queue` {
    private let job = Push(JobRecord(type: "a.b", queue: "q"))

    @Test func `refuses before anything happens`() async throws {
        let queue = FaultyQueue(MemoryQueue())
        queue.inject(.refuse(.unavailable), on: .push)

        await #expect(throws: QueueError(.unavailable, "push", "injected")) {
            try await queue.push([job], issued: nil)
        }

        #expect(try await queue.push([job], issued: nil) == [.pushed])
        #expect(queue.count(of: .push) == 2)
    }

    @Test func `drops a reply after it has happened`() async throws {
        let queue = FaultyQueue(MemoryQueue())
        queue.inject(.dropReply, on: .push)

        await #expect(throws: QueueError.self) { try await queue.push([job], issued: nil) }

        #expect(try await queue.push([job], issued: nil) == [.exists(same: true)])
    }

    @Test func `fails every call in an outage and none after it`() async throws {
        let queue = FaultyQueue(MemoryQueue())
        queue.setOutage(.unavailable)
        await #expect(throws: QueueError.self) { try await queue.history() }

        queue.setOutage(nil)

        #expect(try await queue.history().seq == 1)
    }
}
