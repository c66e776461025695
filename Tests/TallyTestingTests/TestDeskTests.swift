import TallyCore
import TallyMemory
import TallyTesting
import Testing

private struct Busy: Error {}
private struct Undo: Error {}

/// Writes a row of the application, as a job with an effect of its own does.
private let booking = JobHandler("book") { context in
    try await context.withTransaction { transaction in
        _ = try await transaction.query("UPDATE account", [])
        try await context.complete(in: transaction)
    }
}

private func rowsOfAnApplication() -> MemoryLedger { MemoryLedger(query: { _, _, _ in [] }) }

@Suite(.timeLimit(.minutes(1))) struct `Jobs that run inline` {
    @Test func `for ever are stopped, and their enqueue says so`() async throws {
        let jobs = TestJobs(.inline) { client in
            [JobHandler("again") { _ in try await client.enqueue(JobRecord(type: "again")) }]
        }

        let one = await #expect(throws: EnqueueError.self) {
            try await jobs.client.enqueue(JobRecord(type: "again"))
        }
        let several = await #expect(throws: EnqueueError.self) {
            try await jobs.client.enqueue(contentsOf: [JobRecord(type: "again")])
        }

        for error in [one, several] {
            #expect(error?.description.contains("jobs have run and again still waits") == true)
            #expect(error?.mayRetry == false)
        }
    }

    @Test func `say in their enqueue what a store has thrown`() async throws {
        let ledger = MemoryLedger()
        let jobs = TestJobs(
            .inline, handlers: [JobHandler("t") { _ in await ledger.close() }], ledger: ledger)

        let error = await #expect(throws: EnqueueError.self) {
            try await jobs.client.enqueue(JobRecord(type: "t"))
        }

        #expect(error?.description.contains("the job was enqueued") == true)
        #expect(!jobs.runs.isEmpty)
    }

    @Test func `as part of a transaction do so behind its commit`() async throws {
        let jobs = TestJobs(.inline, handlers: [booking], ledger: rowsOfAnApplication())
        let record = JobRecord(type: "book")

        try await jobs.ledger.withTransaction { transaction in
            _ = try await transaction.query("UPDATE account")
            try await jobs.client.enqueue(record, in: transaction)
            #expect(jobs.runs.isEmpty)
        }

        #expect(jobs.runs.map(\.job.id) == [record.id])
        #expect(jobs.runs.map(\.outcome) == [.complete(result: [])])
    }

    @Test func `as part of a transaction that is rolled back never do`() async throws {
        let jobs = TestJobs(.inline, handlers: [booking], ledger: rowsOfAnApplication())

        await #expect(throws: Undo.self) {
            try await jobs.ledger.withTransaction { transaction in
                try await jobs.client.enqueue(JobRecord(type: "book"), in: transaction)
                throw Undo()
            }
        }

        #expect(jobs.runs.isEmpty)
        #expect(try await jobs.drain().isEmpty)
        #expect(try await jobs.enqueued().isEmpty)
    }

    @Test(arguments: [true, false])
    func `wait for the end of a transaction that is open, however it ends`(_ isCommitted: Bool) async throws {
        let jobs = TestJobs(.inline, handlers: [booking], ledger: rowsOfAnApplication())

        do {
            try await jobs.ledger.withTransaction { transaction in
                // What the job wants too: run within this call, it would wait for ever.
                _ = try await transaction.query("UPDATE account")
                try await jobs.client.enqueue(JobRecord(type: "book"))
                #expect(jobs.runs.isEmpty)
                if !isCommitted { throw Undo() }
            }
            #expect(isCommitted)
        } catch {
            #expect(!isCommitted && error is Undo)
        }

        #expect(jobs.runs.map(\.outcome) == [.complete(result: [])])
    }

    @Test
    func `for ever behind a commit are told to whoever commits, and behind a rollback by the next call`()
        async throws
    {
        let jobs = TestJobs(.inline) { client in
            [JobHandler("again") { _ in try await client.enqueue(JobRecord(type: "again")) }]
        }

        await #expect(throws: TestJobs.TooManyRuns.self) {
            try await jobs.ledger.withTransaction { transaction in
                try await jobs.client.enqueue(JobRecord(type: "again"), in: transaction)
            }
        }
        await #expect(throws: Undo.self) {
            try await jobs.ledger.withTransaction { _ in throw Undo() }
        }
        let count = jobs.runs.count
        await #expect(throws: TestJobs.TooManyRuns.self) { try await jobs.drain() }

        #expect(jobs.runs.count == count, "it was told, and nothing ran for it")
    }
}

@Suite struct `A clock that is moved` {
    @Test func `stops where more jobs run on the way than were to, and says how many were to`() async throws {
        let jobs = TestJobs(handlers: [JobHandler("again") { _ in throw JobError.snooze(.seconds(1)) }])
        let begin = jobs.clock.now
        try await jobs.client.enqueue(JobRecord(type: "again"))

        let error = await #expect(throws: TestJobs.TooManyRuns.self) {
            try await jobs.advance(by: .seconds(60), atMost: 5)
        }

        #expect(error?.most == 5 && error?.next == "again")
        #expect(jobs.runs.count == 5 && jobs.clock.now == begin + .seconds(5))
    }
}

@Suite struct `The end of a run in a test` {
    private func ends(_ jobs: TestJobs, after wait: Duration = .zero) async throws -> [RunOutcome] {
        try await jobs.client.enqueue(JobRecord(type: "t", maxAttempts: 9))
        jobs.clock.advance(by: wait)
        return try await jobs.drain().map(\.outcome)
    }

    @Test func `counts the time of all attempts by the clock of the test`() async throws {
        let retries = FixedDelay(.seconds(5), maxAttempts: 9).limited(total: .seconds(60))
        let handler = JobHandler("t", retries: retries) { _ in throw Busy() }

        let soon = try await ends(TestJobs(handlers: [handler]))
        let late = try await ends(TestJobs(handlers: [handler]), after: .seconds(3600))

        #expect(soon == [.retry(after: .seconds(5), attempts: 1, error: "Busy()")])
        #expect(late == [.fail(attempts: 1, error: "Busy()")])
    }

    @Test func `is decided by the rules of the handler, then by those for all of them`() async throws {
        let rules = [ErrorRule(Busy.self, .fail)]
        let bare = JobHandler("t") { _ in throw Busy() }
        let own = JobHandler("t", errors: [ErrorRule(Busy.self, .snooze(.seconds(7)))]) { _ in throw Busy() }

        let bareEnds = try await ends(TestJobs(handlers: [bare], errors: rules))
        let ownEnds = try await ends(TestJobs(handlers: [own], errors: rules))

        #expect(bareEnds == [.fail(attempts: 1, error: "Busy()")])
        #expect(ownEnds == [.release(after: .seconds(7))])
    }

    @Test func `leaves a unique key for as long as it lasts by the clock of the test`() async throws {
        let jobs = TestJobs(handlers: [JobHandler("t") { _ in }])
        func enqueue() async throws -> Receipt {
            try await jobs.client.enqueue(
                JobRecord(type: "t", unique: UniqueKey("k", .lasting(.seconds(60)))))
        }
        let first = try await enqueue()
        try await jobs.drain()

        try await jobs.advance(by: .seconds(50))
        let again = try await enqueue()
        try await jobs.advance(by: .seconds(20))
        let new = try await enqueue()

        #expect(again.existed && again.id == first.id)
        #expect(!new.existed)
    }
}
