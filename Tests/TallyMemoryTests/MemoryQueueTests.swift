import TallyCore
import TallyTesting
import Testing

@testable import TallyMemory

private let start = Timestamp(microseconds: 1_893_456_000_000_000)

private func record(_ queue: QueueName = "q", unique: String = "") -> JobRecord {
    JobRecord(type: "a.b", queue: queue, unique: UniqueKey(unique), createdAt: start)
}

private func wish(_ limit: Int = 1) -> ReserveWish { ReserveWish(["q"], limit: limit, worker: WorkerID("w")) }

@Suite struct `The queue in memory` {
    @Test func `begins with an epoch entry and is open at once`() async throws {
        let queue = MemoryQueue(clock: { start })

        let log = try await queue.log(after: .start, limit: 9)

        #expect(log == [LogEntry(position: LogPosition(epoch: 1, seq: 1), verb: .epoch, at: start)])
        #expect(try await queue.history().isHeld == false)
        #expect(try await queue.stamp() == Issued(epoch: 1, at: start))
    }

    @Test func `hands out nothing in a new epoch until it is opened`() async throws {
        let queue = MemoryQueue(clock: { start })
        _ = try await queue.push([Push(record()), Push(record())], issued: nil)
        let lease = try await queue.reserve(wish()).jobs[0].lease

        let epoch = try queue.startEpoch()
        let held = try await queue.reserve(wish())

        #expect(held.isHeld && held.jobs.isEmpty)
        #expect(try await queue.stamp().epoch == 0)
        #expect(try await queue.settle([.ack(lease)]) == [.settled(.completed)])
        try await queue.open(epoch: epoch - 1)
        #expect(try await queue.reserve(wish()).isHeld)
        try await queue.open(epoch: epoch)
        #expect(try await queue.reserve(wish()).jobs.first?.lease.epoch == epoch)
    }

    @Test func `resumes leasing by itself when nobody opens the epoch for the hold`() async throws {
        let clock = ManualClock(start)
        let queue = MemoryQueue(clock: clock.reading, held: true)
        _ = try await queue.push([Push(record())], issued: nil)

        clock.set(start + Limits.hold - .microseconds(1))
        let before = try await queue.reserve(wish())
        clock.set(start + Limits.hold)
        let after = try await queue.reserve(wish())

        #expect(before.isHeld && before.jobs.isEmpty)
        #expect(!after.isHeld && after.jobs.count == 1)
    }

    @Test func `names the end of the history before in a new epoch's first entry`() async throws {
        let queue = MemoryQueue(clock: { start })
        _ = try await queue.push([Push(record())], issued: nil)

        let epoch = try queue.startEpoch()
        let last = try await queue.log(after: LogPosition(epoch: 1, seq: 2), limit: 9)

        #expect(epoch == start.microseconds / 1000)
        #expect(last.map(\.position) == [LogPosition(epoch: epoch, seq: 1)])
        #expect(last.first?.predecessor == LogPosition(epoch: 1, seq: 2))
        #expect(last.first?.losesMore == false)

        // Nobody has compared that one, so what was lost before it is missing still.
        try queue.startEpoch()
        let next = try await queue.log(after: last[0].position, limit: 9)
        #expect(next.map(\.losesMore) == [true])
        try await queue.open(epoch: queue.history().epoch)
        try queue.startEpoch()
        #expect(try await queue.log(after: next[0].position, limit: 9).map(\.losesMore) == [false])
    }

    @Test func `answers full for recorded jobs and throws it for queued ones over the window [P22]`()
        async throws
    {
        let queue = MemoryQueue(clock: { start }, window: 2, logEntries: 100)
        let recorded = (0..<3).map { _ in Push(record(), isRecorded: true) }

        #expect(try await queue.push(recorded, issued: nil) == [.pushed, .pushed, .full])
        await #expect(throws: QueueError.self) {
            try await queue.push([Push(record("other")), Push(record())], issued: nil)
        }

        #expect(try await queue.counts().map(\.queue) == ["q"])
    }

    @Test func `counts scheduled jobs towards the window, and no cancelled ones [P22]`() async throws {
        let queue = MemoryQueue(clock: { start }, window: 2, logEntries: 100)
        let later = JobRecord(type: "t", queue: "q", runAt: start + .seconds(60), createdAt: start)
        let first = record()
        #expect(
            try await queue.push([Push(later), Push(first)], issued: nil) == [.pushed, .pushed])
        let more = Push(record(), isRecorded: true)

        #expect(try await queue.push([more], issued: nil) == [.full])
        _ = try await queue.cancel(first.id, tombstone: nil)

        #expect(try await queue.push([more], issued: nil) == [.pushed])
    }

    @Test func `refuses pushes when the log is full, and drains all the same [P22]`() async throws {
        let queue = MemoryQueue(clock: { start }, window: 100, logEntries: 2)
        _ = try await queue.push([Push(record())], issued: nil)

        await #expect(throws: QueueError.self) {
            try await queue.push([Push(record())], issued: nil)
        }
        let waiting = try await queue.reserve(wish()).jobs[0]
        #expect(try await queue.settle([.release(waiting.lease)]) == [.settled(.pending)])
        await #expect(throws: QueueError.self) {
            try await queue.change(waiting.record.id, runAt: start + .seconds(9), priority: nil)
        }
        let lease = try await queue.reserve(wish()).jobs[0].lease
        #expect(lease.version == 3)
        #expect(try await queue.settle([.ack(lease)]) == [.settled(.completed)])

        try await queue.report(applied: try await queue.history().end)
        #expect(try await queue.push([Push(record())], issued: nil) == [.pushed])
    }

    @Test func `keeps a tombstone until a minute after the mirror reported its end`() async throws {
        let clock = ManualClock(start)
        let queue = MemoryQueue(clock: clock.reading)
        let job = record()
        _ = try await queue.push([Push(job)], issued: nil)
        _ = try await queue.cancel(job.id, tombstone: nil)
        let hour = start + .seconds(3600)
        let end = try await queue.history().end

        // The first report closes nothing: it only says that the older, empty generation is known.
        clock.set(hour)
        try await queue.report(applied: end)
        clock.set(hour + Limits.tombstone)
        try await queue.report(applied: end)
        clock.set(hour)
        #expect(try await queue.push([Push(job)], issued: nil) == [.ended(.cancelled)])
        clock.set(hour + Limits.tombstone * 2 - .microseconds(1))
        try await queue.report(applied: end)
        clock.set(hour)
        #expect(try await queue.inspect([job.id]).ended[job.id] != nil)
        clock.set(hour + Limits.tombstone * 2)
        try await queue.report(applied: end)

        clock.set(hour)
        #expect(try await queue.inspect([job.id]).ended[job.id] == nil)
    }

    @Test func `takes a test's clock at its word, also when it goes back`() async throws {
        let clock = ManualClock(start)
        let queue = MemoryQueue(clock: clock.reading)
        clock.advance(by: .seconds(5))
        #expect(try await queue.history().now == start + .seconds(5))

        clock.set(start)

        #expect(try await queue.history().now == start)
    }

    @Test func `drops an outdated element without replacing it in the call`() async throws {
        let queue = MemoryQueue(clock: { start })
        let jobs = (0..<3).map { _ in Push(record()) }
        _ = try await queue.push(jobs, issued: nil)
        _ = try await queue.cancel(jobs[0].record.id, tombstone: nil)

        let first = try await queue.reserve(wish(2)).jobs
        let second = try await queue.reserve(wish(2)).jobs

        #expect(first.map(\.record.id) == [jobs[1].record.id])
        #expect(second.map(\.record.id) == [jobs[2].record.id])
    }

    @Test(.timeLimit(.minutes(1))) func `misses no push that comes as a wait begins [B6]`() async throws {
        let queue = MemoryQueue()
        for _ in 0..<500 {
            async let waited: Void = queue.wait(for: ["q"], upTo: .seconds(600))
            _ = try await queue.push([Push(record())], issued: nil)
            try await waited

            let lease = try await queue.reserve(wish()).jobs[0].lease
            _ = try await queue.settle([.ack(lease)])
        }
    }

    @Test func `ends a wait when its task is cancelled`() async throws {
        let queue = MemoryQueue()
        let waiter = Task { try await queue.wait(for: ["q"], upTo: .seconds(600)) }

        waiter.cancel()

        await #expect(throws: CancellationError.self) { try await waiter.value }
    }

    @Test func `ends every wait when it is closed`() async throws {
        let queue = MemoryQueue()
        let waiter = Task { try await queue.wait(for: ["q"], upTo: .seconds(600)) }

        await queue.close()

        await #expect(throws: QueueError.self) { try await waiter.value }
    }
}

@Suite struct `The ready lists` {
    @Test func `hold every element until it is taken, in order`() {
        var lists = ReadyLists()
        let elements = (1...5000).map { Element(id: JobID(high: 1, low: UInt64($0)), version: 1) }
        for element in elements { lists.append(element, priority: .low) }

        var taken: [Element] = []
        while !lists.isEmpty { taken += lists.take(7) }

        #expect(taken == elements)
        #expect(lists.count == 0)
    }

    @Test func `keep the turn when only one priority waits`() {
        var lists = ReadyLists()
        func element(_ n: UInt64) -> Element { Element(id: JobID(high: 1, low: n), version: 1) }
        for n in 0..<9 as Range<UInt64> { lists.append(element(n), priority: .high) }
        _ = lists.take(8)
        lists.append(element(100), priority: .critical)

        #expect(lists.take(1) == [element(100)])
    }
}
