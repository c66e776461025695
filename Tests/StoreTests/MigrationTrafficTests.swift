import TallyCore
import TallyDuties
import TallyRuntime
import TestSupport
import Testing

@testable import TallyPostgres
@testable import Tallystick

/// What a duty met that no further try mends: outages are waited out, and are no fault here.
private struct Lasting: JobObserver {
    let failures = Journal<String>()

    func dutyFailed(_ duty: String, _ error: any Error) {
        let mayRetry =
            switch error {
            case let error as LedgerError: error.mayRetry || error.code == .cancelled
            case let error as QueueError: error.mayRetry || error.code == .cancelled
            default: error is CancellationError  // the test is over
            }
        if !mayRetry { failures.append("\(duty): \(error)") }
    }
}

/// One caller after another that enqueues, with the runs of its own jobs.
private struct Producer: Sendable {
    /// How many jobs are enqueued before their ends are waited for.
    private static let step = 20

    let type: JobType
    let durability: Durability
    let ids = Journal<JobID>()
    let runs = Journal<JobID>()
    /// What it was refused with that it may not ask for again.
    let refusals = Journal<String>()

    /// Enqueues until the gate opens; what may be asked for again is, under the same id.
    func run(_ client: JobClient, until end: Gate) async throws {
        while !end.isOpen {
            for _ in 0..<Self.step {
                let job = JobRecord(type: type)
                try await eventually("\(type) is enqueued") { try await isEnqueued(job, client) }
                ids.append(job.id)
            }
            let all = ids.count
            try await eventually("\(type): \(all) have run") { runs.count >= all }
        }
    }

    private func isEnqueued(_ job: JobRecord, _ client: JobClient) async throws -> Bool {
        do throws(EnqueueError) {
            _ = try await client.enqueue(job, durability: durability)
            return true
        } catch {
            if error.mayRetry { return false }
            refusals.append("\(error)")
            throw error
        }
    }
}

@Suite(.serialized) struct `A migration while jobs are enqueued, run and mirrored` {
    /// Jobs of each producer that have run before the migration begins, and again after it.
    private static let least = 60

    private let producers = [
        Producer(type: "recorded", durability: .recorded), Producer(type: "queued", durability: .queued),
        Producer(type: "committed", durability: .recorded),
    ]

    @Test func `loses no job, and nobody meets an error that another try does not mend [I6, I8]`()
        async throws
    {
        try await withScratch { scratch in
            let migrator = try Migrator(scratch.ledger.configuration)
            let newest = try #require(try await migrator.status().last).version
            let recipe = try #require(migrator.undoRecipe(newest))
            try await scratch.ledger.pool.run("undo") { connection throws(LedgerError) in
                try connection.script(recipe, within: .seconds(20))
            }
            #expect(try await migrator.status().last?.state == .missing)

            let observer = Lasting()
            try await busy(scratch, observer) {
                let applied = try await migrator.apply().map(\.version)
                #expect(applied == [newest])
            }
            try await migrator.verify()

            #expect(observer.failures.all == [])
            for producer in producers {
                #expect(producer.refusals.all == [])
                #expect(Set(producer.runs.all) == Set(producer.ids.all), "\(producer.type)")
            }
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
            let reconciler = try Reconciler(queue: scratch.queue, ledger: scratch.ledger, mirror: mirror)
            let (run, statement) = try await reconciler.run(.dry)
            #expect(run.findings.isEmpty && run.exitCode == 0 && statement.holds, "\(run) \(statement)")
        }
    }

    /// Runs `body` between jobs that ran before it and jobs that run after it; returns once every job has completed.
    private func busy(
        _ scratch: ScratchNamespace, _ observer: Lasting, _ body: () async throws -> Void
    ) async throws {
        let client = JobClient(queue: scratch.queue, ledger: scratch.ledger)
        let worker = Worker(
            queue: scratch.queue, ledger: scratch.ledger, handlers: producers.map(handler),
            observer: observer)
        let serve = try Serve(queue: scratch.queue, ledger: scratch.ledger, observer: observer)
        let crew = [Task { try await serve.run() }, Task { try await worker.run() }]
        let end = Gate()
        let callers = producers.map { producer in
            Task { try await producer.run(client, until: end) }
        }
        func stop() async {
            end.open()
            for task in callers + crew { task.cancel() }
            for task in callers + crew { _ = await task.result }
            await client.drain()
        }
        do {
            try await eachHasRun(Self.least, more: [0, 0, 0])
            try await body()
            try await eachHasRun(Self.least, more: producers.map(\.runs.count))
            end.open()
            for caller in callers { try await caller.value }
            let all = producers.reduce(0) { $0 + $1.ids.count }
            try await eventually("all have completed") {
                try await scratch.ledger.balances().completed == all
            }
        } catch {
            await stop()
            throw error
        }
        await stop()
    }

    private func eachHasRun(_ count: Int, more before: [Int]) async throws {
        try await eventually("each caller goes on") {
            zip(producers, before).allSatisfy { $0.runs.count >= $1 + count }
        }
    }

    /// The last of them completes with rows of the ledger.
    private func handler(_ producer: Producer) -> JobHandler {
        JobHandler(producer.type) { context in
            if producer.type == "committed" {
                try await context.withTransaction { try await context.complete(in: $0) }
            }
            producer.runs.append(context.id)
        }
    }
}
