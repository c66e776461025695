import TallyCore
import TallyMemory
import TallyTesting
import Testing

private struct Invoice: Job {
    static let jobType: JobType = "invoice.send"
    static let policy = JobPolicy(queue: "mail", attempts: 2)
    let order: Int
    var to = "ann"

    func run(_ context: JobContext) async throws {
        struct Busy: Error {}
        if to == "nobody" { throw JobError.final("nobody is to get it") }
        if to == "later", context.crashes == 0, context.fence.version < 3 {
            throw JobError.snooze(.seconds(60))
        }
        if to == "busy", context.attempt == 1 { throw Busy() }
        try context.complete(bytes: Array("\(order)".utf8))
    }
}

private struct Receipt: Job {
    static let jobType: JobType = "invoice.receipt"
    let order: Int
    func run(_ context: JobContext) async throws {}
}

@Suite struct `Jobs of a test` {
    private let handlers = [JobHandler(Invoice.self), JobHandler(Receipt.self)]

    @Test(arguments: [Durability.recorded, .queued])
    func `run when the test says so, and end as with a worker`(_ durability: Durability) async throws {
        let jobs = TestJobs(handlers: handlers, durability: durability)
        let good = try await jobs.client.enqueue(Invoice(order: 7)).id
        let bad = try await jobs.client.enqueue(Invoice(order: 8, to: "nobody")).id
        #expect(try await jobs.status(of: good) == .pending && jobs.runs.isEmpty)

        let runs = try await jobs.drain()

        #expect(runs.map(\.job.id) == [good, bad] && runs == jobs.runs)
        let failed = RunOutcome.fail(attempts: 1, error: "nobody is to get it")
        #expect(runs.map(\.outcome) == [.complete(result: Array("7".utf8)), failed])
        #expect(try await jobs.status(of: good) == .completed)
        #expect(try await jobs.status(of: bad) == .failed)
        #expect(try await jobs.status(of: JobID()) == nil)
        #expect(try await jobs.drain().isEmpty)
    }

    @Test func `run inline within their enqueue, and what they enqueue behind them`() async throws {
        let jobs = TestJobs(.inline) { client in
            [
                JobHandler("first") { _ in
                    try await client.enqueue(JobRecord(type: "second"))
                    try await client.enqueue(JobRecord(type: "third"))
                },
                JobHandler("second") { _ in }, JobHandler("third") { _ in },
            ]
        }

        try await jobs.client.enqueue(JobRecord(type: "first"))

        #expect(jobs.runs.map(\.job.type) == ["first", "second", "third"])
        #expect(jobs.runs.allSatisfy { $0.outcome == .complete(result: []) })
    }

    @Test func `run inline once every middleware has seen their enqueue end`() async throws {
        let ended = Times()
        let seen = JobMiddleware(
            enqueue: { call, next in
                _ = try await next(call)
                await ended.add(0)
            },
            run: { context, next in
                await ended.add(context.attempt)
                try await next(context)
            })
        let jobs = TestJobs(.inline, handlers: handlers, middleware: [seen])

        try await jobs.client.enqueue(Receipt(order: 1))

        #expect(await ended.all == [0, 1])
    }

    @Test(arguments: [TestJobs.Mode.inline, .manual])
    func `that are to run later do so when the clock gets there, each at its own time`(
        _ mode: TestJobs.Mode
    ) async throws {
        let times = Times()
        let jobs = TestJobs(mode) { client in
            [
                JobHandler(Invoice.self).wrapped(in: [
                    JobMiddleware(run: { context, next in
                        await times.add(context.attempt)
                        try await next(context)
                    })
                ])
            ]
        }
        let begin = jobs.clock.now
        try await jobs.client.enqueue(Invoice(order: 1), at: begin + .seconds(10))
        try await jobs.client.enqueue(Invoice(order: 2, to: "busy"), at: begin + .seconds(20))
        try await jobs.client.enqueue(Invoice(order: 3, to: "later"), at: begin + .seconds(22))

        #expect(try await jobs.advance(by: .microseconds(9_999_999)).isEmpty)
        #expect(try await jobs.advance(by: .microseconds(1)).map(\.attempt) == [1])
        let runs = try await jobs.advance(by: .seconds(75))

        #expect(runs.map(\.attempt) == [1, 1, 2, 1])
        let ends = runs.map(\.outcome)
        #expect(ends[1] == .release(after: .seconds(60)))
        #expect(
            ends[2] == .complete(result: Array("2".utf8)) && ends[3] == .complete(result: Array("3".utf8)))
        guard case .retry(let after, attempts: 1, _) = ends[0] else {
            Issue.record("\(ends[0])")
            return
        }
        #expect(after == .seconds(5))
        #expect(jobs.clock.now == begin + .seconds(85) && jobs.runs.count == 5)
        #expect(await times.all == [1, 1, 1, 2, 1])
    }

    @Test func `that a transaction records are there once it commits`() async throws {
        let jobs = TestJobs(handlers: handlers)
        let record = JobRecord(type: "invoice.receipt", body: Array(#"{"order":7}"#.utf8))
        try await jobs.ledger.withTransaction { transaction in
            _ = try await jobs.ledger.record([record], in: transaction)
        }

        try await jobs.expectEnqueued(Receipt(order: 7))

        #expect(try await jobs.drain().map(\.job.id) == [record.id])
    }

    @Test func `that enqueue themselves for ever are stopped, and said so`() async throws {
        let jobs = TestJobs { client in
            [JobHandler("again") { _ in try await client.enqueue(JobRecord(type: "again")) }]
        }
        try await jobs.client.enqueue(JobRecord(type: "again"))

        await #expect(throws: TestJobs.TooManyRuns.self) { try await jobs.drain(atMost: 20) }

        #expect(jobs.runs.count == 20)
        #expect(try await jobs.queue.counts().map(\.pending) == [1])
    }

    @Test func `of a type without a handler stay, and the others run`() async throws {
        let jobs = TestJobs(handlers: [JobHandler(Receipt.self)])
        let stays = try await jobs.client.enqueue(Invoice(order: 1)).id
        try await jobs.client.enqueue(Receipt(order: 1), on: "mail")

        #expect(try await jobs.drain().map(\.job.type) == ["invoice.receipt"])

        #expect(try await jobs.status(of: stays) == .pending)
        #expect(try await jobs.advance(by: .seconds(3 * 86_400)).isEmpty)
    }

    @Test func `free their unique key when they end`() async throws {
        let jobs = TestJobs(handlers: handlers)
        let key = UniqueKey("order-7")
        let first = try await jobs.client.enqueue(Invoice(order: 7), unique: key)
        #expect(try await jobs.client.enqueue(Invoice(order: 7), unique: key).id == first.id)

        try await jobs.drain()

        #expect(try await !jobs.client.enqueue(Invoice(order: 7), unique: key).existed)
    }
}

@Suite struct `An expectation of jobs` {
    private func text(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "held"
        } catch {
            return "\(error)"
        }
    }

    @Test func `finds what was enqueued, whatever became of it`() async throws {
        let jobs = TestJobs(handlers: [JobHandler(Invoice.self)])
        let id = try await jobs.client.enqueue(Invoice(order: 7)).id
        for _ in 0..<2 {
            #expect(try await jobs.expectEnqueued(Invoice(order: 7)).id == id)
            #expect(try await jobs.expectEnqueued(Invoice.self) { $0.order == 7 }.id == id)
            #expect(try await jobs.expectEnqueued(Invoice.self, on: "mail").id == id)
            try await jobs.expectNotEnqueued(Receipt.self)
            try await jobs.expectNotEnqueued(Invoice.self) { $0.order == 8 }
            try await jobs.drain()
        }
    }

    @Test func `says what was enqueued instead`() async throws {
        let jobs = TestJobs(handlers: [])
        #expect(
            await text { try await jobs.expectEnqueued(Invoice.self) }
                == "no invoice.send was enqueued; nothing was")
        for order in [1, 2] { try await jobs.client.enqueue(Receipt(order: order)) }
        #expect(
            await text { try await jobs.expectEnqueued(Invoice.self) }
                == "no invoice.send was enqueued; what was: invoice.receipt (2)")
        try await jobs.client.enqueue(Invoice(order: 8))
        try await jobs.client.enqueue(Invoice(order: 9, to: "bob"))

        #expect(
            await text { try await jobs.expectEnqueued(Invoice(order: 7, to: "bob")) } == """
                no invoice.send that fits was enqueued; 2 of this type:
                  order: expected 7, found 9
                """)
        #expect(
            await text { try await jobs.expectEnqueued(Invoice(order: 8), on: "post") } == """
                no invoice.send that fits was enqueued on post; 2 of this type:
                  queue: expected post, found mail
                """)
        #expect(
            await text { try await jobs.expectEnqueued(Invoice.self) { $0.order > 9 } } == """
                no invoice.send that fits was enqueued; 2 of this type:
                  on mail: {"order":8,"to":"ann"}
                  on mail: {"order":9,"to":"bob"}
                """)
        #expect(
            await text { try await jobs.expectNotEnqueued(Invoice.self) { $0.order == 9 } }
                == #"invoice.send was enqueued on mail: {"order":9,"to":"bob"}"#)
    }
}

private actor Times {
    private(set) var all: [Int] = []
    func add(_ attempt: Int) { all.append(attempt) }
}
