import TallyCore
import TallyDuties
import TallyTesting
import TestSupport
import Testing

/// What the duties said went wrong.
private final class Complaints: JobObserver {
    private let duties = Journal<String>()
    var all: [String] { duties.all }
    func dutyFailed(_ duty: String, _ error: any Error) { duties.append(duty) }
}

@Suite struct `The mirror` {
    @Test func `says that its ledger keeps no lines of handlers, once in a while, and applies the rest`()
        async throws
    {
        try await Halves.with { halves in
            let complaints = Complaints()
            let mirror = Mirror(queue: halves.queue, ledger: halves.ledger, observer: complaints)
            var beat = WorkerBeat(
                id: WorkerID("w"), status: .running, queues: [.default], types: [], running: [],
                concurrency: 1, startedAt: .now, host: "h", pid: 1)
            beat.lines = [
                AttemptLine(job: JobID(), epoch: 1, version: 2, number: 1, at: .now, text: "line")
            ]
            try await halves.sql("ALTER TABLE SCHEMA.attempt_lines RENAME TO away")
            for _ in 0..<3 {
                try await halves.queue.heartbeat(beat)
                while try await mirror.step() > 0 {}
            }
            try await halves.sql("ALTER TABLE SCHEMA.away RENAME TO attempt_lines")

            #expect(complaints.all == ["lines of handlers"])
            #expect(try await halves.ledger.workers().map(\.beat.id) == [beat.id])
        }
    }

    @Test func `writes every transition once and then has nothing to do`() async throws {
        let pair = Pair()
        let ids = try await pair.work(10)
        let mirror = pair.mirror

        #expect(try await mirror.step() == 4)
        #expect(try await mirror.step() == 0)

        try await pair.expectWholeHistory(of: ids)
    }

    @Test func `that loses the answer to its commit repeats nothing`() async throws {
        let pair = Pair()
        let ids = try await pair.work(5)
        let mirror = pair.mirror
        pair.ledger.inject(.dropReply, on: .apply)

        await #expect(throws: LedgerError.self) { try await mirror.step() }
        while try await mirror.step() > 0 {}

        try await pair.expectWholeHistory(of: ids)
    }

    @Test func `that dies between its commit and its report repeats nothing`() async throws {
        let pair = Pair()
        let ids = try await pair.work(5)
        pair.queue.inject(.refuse(.unavailable), on: .report)

        await #expect(throws: QueueError.self) { try await pair.mirror.step() }
        let next = pair.mirror
        while try await next.step() > 0 {}

        try await pair.expectWholeHistory(of: ids)
    }

    @Test func `that cannot commit writes nothing and tries again`() async throws {
        let pair = Pair()
        let ids = try await pair.work(5)
        let mirror = pair.mirror
        pair.ledger.inject(.refuse(.transient), on: .apply, times: 2)

        for _ in 0..<2 { await #expect(throws: LedgerError.self) { try await mirror.step() } }
        #expect(try await pair.ledger.events(ids[0]).isEmpty)
        while try await mirror.step() > 0 {}

        try await pair.expectWholeHistory(of: ids)
    }

    @Test func `among others writes every transition once`() async throws {
        let pair = Pair()
        let mirrors = (0..<4).map { _ in pair.mirror }
        let tasks = mirrors.map { mirror in Task { try await mirror.run() } }
        var ids: [JobID] = []
        for _ in 0..<40 { ids += try await pair.work(5) }
        let end = try await pair.memory.history().end
        try await eventually("the ledger has everything") { try await pair.ledger.cursor() >= end }
        for task in tasks { task.cancel() }
        for task in tasks { _ = await task.result }

        try await pair.expectWholeHistory(of: ids)
    }

    @Test func `goes on by itself after both stores were away`() async throws {
        let pair = Pair()
        pair.queue.setOutage(.unavailable)
        pair.ledger.inject(.refuse(.unavailable), on: .apply, times: 2)
        let mirror = pair.mirror
        let task = Task { try await mirror.run() }
        let ids = try await pair.work(3)
        try await eventually("it tried") { pair.queue.count(of: .log) >= 2 }
        pair.queue.setOutage(nil)

        try await eventually("it is there") { try await pair.ledger.jobs(ids).count == 3 }

        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        try await pair.expectWholeHistory(of: ids)
    }
}
