import TallyCore
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties

private struct Complaints: JobObserver {
    let all = Journal<String>()
    func dutyFailed(_ duty: String, _ error: any Error) { all.append(duty) }
}

@Suite struct `A delivery of outbox rows` {
    private let complaints = Complaints()

    private func delivery(to queue: FaultyQueue) async throws -> Delivery {
        let store = queue.store
        return Delivery(
            queue: store, issued: try await store.enqueueing.stamp(), observer: complaints)
    }
    private func row(_ jobs: JobRecord...) -> OutboxRow {
        OutboxRow(
            id: OutboxID(1), pushes: jobs.map { Push($0, version: 1, runAt: $0.runAt, attempts: 0) })
    }
    private func job(_ queue: QueueName = "a") -> JobRecord { JobRecord(type: "t", queue: queue) }

    @Test func `brings every job of a row, whatever its queue`() async throws {
        let memory = MemoryQueue()
        let jobs = [job("a"), job("b"), job("a")]

        let verdict = try await delivery(to: FaultyQueue(memory)).deliver(row(jobs[0], jobs[1], jobs[2]))

        #expect(verdict.left.isEmpty && verdict.aside.isEmpty)
        #expect(try await memory.inspect(jobs.map(\.id)).held.count == 3)
    }

    @Test func `keeps the jobs of a full queue waiting, without asking it again, and no others`() async throws
    {
        let memory = MemoryQueue(window: 1, logEntries: 1000)
        let queue = FaultyQueue(memory)
        let delivery = try await delivery(to: queue)
        let (first, second, third, other) = (job(), job(), job(), job("b"))

        let verdict = try await delivery.deliver(row(first, second, other))
        #expect(verdict.left == [second.id] && verdict.aside.isEmpty)
        let asked = queue.count(of: .push)
        let next = try await delivery.deliver(row(third))

        #expect(next.left == [third.id] && queue.count(of: .push) == asked)
        #expect(try await memory.inspect([first.id, other.id]).held.count == 2)
    }

    @Test func `sets a job aside that no queue can take, and brings its neighbours`() async throws {
        let memory = MemoryQueue()
        let good = job()
        var bad = job()
        bad.type = ""

        let verdict = try await delivery(to: FaultyQueue(memory)).deliver(row(good, bad))

        #expect(verdict.left.isEmpty && Array(verdict.aside.keys) == [bad.id])
        #expect(verdict.aside[bad.id]?.hasPrefix("type: ") == true)
        #expect(try await memory.inspect([good.id, bad.id]).held.count == 1)
    }

    @Test func `asks for each alone where a call is refused for one, and leaves a queue of many such`()
        async throws
    {
        let queue = FaultyQueue(MemoryQueue())
        queue.inject(.refuse(.invalid), on: .push, times: 100)
        let jobs = (0..<5).map { _ in job() }

        let verdict = try await delivery(to: queue).deliver(
            row(jobs[0], jobs[1], jobs[2], jobs[3], jobs[4]))

        #expect(verdict.left == jobs.map(\.id) && verdict.aside.isEmpty)
        #expect(queue.count(of: .push) == 1 + Limits.relayFailures)
        #expect(complaints.all.count == Limits.relayFailures)
    }

    @Test func `throws what concerns every job alike, and asks for no other`() async throws {
        let queue = FaultyQueue(MemoryQueue())
        queue.inject(.refuse(.unavailable), on: .push, times: 100)
        let delivery = try await delivery(to: queue)

        await #expect(throws: QueueError.self) { try await delivery.deliver(row(job("a"), job("b"))) }

        #expect(queue.count(of: .push) == 1)
    }
}
