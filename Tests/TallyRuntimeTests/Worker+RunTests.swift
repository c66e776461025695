import TallyCore
import TallyDuties
import TallyRedis
import TestSupport
import Testing

@testable import TallyRuntime
@testable import Tallystick

private let served = Journal<Int>()

private struct Greet: Tallystick.Job {
    static let jobType: JobType = "greet"
    static let policy = JobPolicy(queue: "greetings", attempts: 2)
    var number: Int

    func run(_ context: JobContext) async throws {
        served.append(number)
        try context.complete(with: number * 2)
    }
}

private struct Interruption: Error {}

@Suite(.serialized) struct `On real stores` {
    @Test func `a program of ten lines enqueues a job and runs it [F1]`() async throws {
        try await withScratch { scratch in
            let tally = try await Tally.open(scratch.settings)
            let id = try await tally.enqueue(Greet(number: 21)).id
            let worker = tally.worker(for: Greet.self)
            let run = Task { try await worker.run() }
            try await eventually("it ran") { served.all == [21] }
            await worker.drain()
            try await run.value
            let mirror = Mirror(queue: tally.queue.shards[0], ledger: try #require(tally.ledger))
            while try await mirror.step() > 0 {}

            let job = try #require(try await scratch.ledger.jobs([id])[id])
            #expect(job.status == .completed && job.result == Array("42".utf8) && job.workerID == worker.id)
            #expect(try await scratch.ledger.events(id).map(\.to) == [.pending, .processing, .completed])
            await tally.close()
            await tally.close()
        }
    }

    /// The job's row once it has ended.
    private func ended(_ id: JobID, by worker: Worker, _ scratch: ScratchNamespace) async throws
        -> JobSnapshot
    {
        let run = Task { try await worker.run() }
        let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger)
        try await eventually("it ended") {
            _ = try await mirror.step()
            return try await scratch.ledger.jobs([id])[id]?.status.isTerminal ?? false
        }
        await worker.drain()
        try await run.value
        return try #require(try await scratch.ledger.jobs([id])[id])
    }

    @Test func `a job whose effect is committed completes, whatever its handler throws then [D12]`()
        async throws
    {
        try await withScratch { scratch in
            let tally = try await Tally.open(scratch.settings)
            let id = try await tally.enqueue(Greet(number: 1)).id
            let handler = JobHandler(Greet.jobType, retries: nil) { context in
                try await tally.withTransaction { try await context.complete(with: 42, in: $0) }
                throw Interruption()
            }
            let worker = tally.worker(
                handlers: [handler], configuration: WorkerConfiguration(queues: ["greetings"]))

            let job = try await ended(id, by: worker, scratch)
            #expect(job.status == .completed && job.result == Array("42".utf8))
            await tally.close()
        }
    }

    @Test func `a worker without a ledger says what completing in a transaction needs`() async throws {
        try await withScratch { scratch in
            let tally = try await Tally.open(scratch.settings)
            let id = try await tally.enqueue(Greet(number: 1)).id
            let handler = JobHandler(Greet.jobType) { context in
                try await tally.withTransaction { try await context.complete(in: $0) }
            }
            let worker = Worker(
                queue: tally.queue, handlers: [handler],
                configuration: WorkerConfiguration(queues: ["greetings"]))

            let job = try await ended(id, by: worker, scratch)
            #expect(job.status == .failed && job.error?.contains("TALLY_POSTGRES_URL") == true)
            await tally.close()
        }
    }

    @Test func `closing an opened pair leaves the settings' stores usable by others [I10]`() async throws {
        try await withScratch { scratch in
            let tally = try await Tally.open(scratch.settings)
            await tally.close()

            let error = await caught(EnqueueError.self) { try await tally.enqueue(Greet(number: 1)) }

            guard case .closed? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(try await scratch.queue.history().seq >= 1)
        }
    }

    /// Another system lost the child and counted the parent as done (sidekiq 5558).
    @Test func `a job whose follow-up finds Redis full is retried, and nothing is swallowed`() async throws {
        try await PrivateRedis.with { redis in
            let queue = try await RedisQueue.open(RedisConfiguration(url: redis.url))
            try await queue.open(epoch: queue.history().epoch)
            let client = JobClient(queue: queue, ledger: nil, durability: .queued)
            let parent = JobRecord(type: "parent", maxAttempts: 0)
            let child = JobID()
            let errors = Journal<EnqueueError>()
            try await client.enqueue(parent)
            try RawRedis(url: redis.url)("CONFIG", "SET", "maxmemory", "1mb")
            let soon = ExponentialBackoff(
                base: .milliseconds(1), cap: .milliseconds(50), jitter: 0, maxAttempts: 1000)
            let worker = Worker(
                queue: queue,
                handlers: [
                    JobHandler("parent", retries: soon) { _ in
                        do {
                            try await client.enqueue(JobRecord(id: child, type: "child"))
                        } catch let error as EnqueueError {
                            errors.append(error)
                            throw error
                        }
                    }, JobHandler("child") { _ in },
                ])
            let run = Task { try await worker.run() }
            try await eventually("it was refused twice") { errors.count > 1 }
            try RawRedis(url: redis.url)("CONFIG", "SET", "maxmemory", "0")
            try await eventually("both are done") {
                let ended = try await queue.inspect([parent.id, child]).ended
                return ended[parent.id]?.status == .completed && ended[child]?.status == .completed
            }

            #expect(errors.all.allSatisfy { if case .full = $0 { true } else { false } })
            await worker.drain()
            try await run.value
            await queue.close()
        }
    }

    @Test func `a worker goes on after Redis was killed and started again [F5]`() async throws {
        try await PrivateRedis.with { redis in
            let queue = try await RedisQueue.open(RedisConfiguration(url: redis.url))
            try await queue.open(epoch: queue.history().epoch)
            func push() async throws -> JobID {
                let record = JobRecord(type: "t")
                _ = try await queue.push([Push(record)], issued: nil)
                return record.id
            }
            let (began, finish) = (Gate(), Gate())
            let runs = Journal<JobID>()
            let slow = try await push()
            let worker = Worker(
                queue: queue,
                handlers: [
                    JobHandler("t") { context in
                        runs.append(context.id)
                        if context.id == slow {
                            began.open()
                            await finish.wait()
                        }
                    }
                ])
            let run = Task { try await worker.run() }
            await began.wait()

            redis.kill()
            finish.open()  // its ack meets no server
            try await redis.start()
            try await eventually("a new epoch") { try await queue.history().isHeld }
            try await queue.open(epoch: queue.history().epoch)
            let later = try await push()
            func ended(_ id: JobID) async throws -> JobStatus? {
                try await queue.inspect([id]).ended[id]?.status
            }
            try await eventually("both are done") {
                let (first, second) = (try await ended(slow), try await ended(later))
                return first == .completed && second == .completed
            }

            #expect(runs.all.sorted() == [slow, later].sorted())
            await worker.drain(within: .seconds(5))
            try await run.value
            await queue.close()
        }
    }

    @Test(arguments: Durability.allCases)
    func `a job is created by the clock of its store, whatever the enqueuer said [A6]`(
        _ durability: Durability
    ) async throws {
        try await withScratch { scratch in
            let client = JobClient(queue: scratch.queue, ledger: scratch.ledger, durability: durability)
            let before = Timestamp.now - .seconds(60)
            let record = JobRecord(type: "t", createdAt: .now + .seconds(2 * 86_400))
            _ = try await client.enqueue(record)
            await client.drain()

            let held = try #require(try await scratch.queue.inspect([record.id]).held[record.id])

            #expect(held.record.createdAt > before && held.record.createdAt < before + .seconds(600))
            if durability == .recorded {
                let row = try await scratch.ledger.jobs([record.id])[record.id]
                #expect(row?.record.createdAt == held.record.createdAt)
            }
        }
    }

    @Test func `1,000 jobs on four workers run once each, and both halves agree [C1, F13]`() async throws {
        try await withScratch { scratch in
            let client = JobClient(queue: scratch.queue, ledger: scratch.ledger)
            let records = (0..<1000).map { _ in JobRecord(type: "t") }
            _ = try await client.enqueue(contentsOf: records)
            let runs = Journal<JobID>()
            let workers = (0..<4).map { _ in
                Worker(queue: scratch.queue, handlers: [JobHandler("t") { runs.append($0.id) }])
            }
            let tasks = workers.map { worker in Task { try await worker.run() } }
            try await eventually("all ran") { runs.count >= 1000 }
            for worker in workers { await worker.drain() }
            for task in tasks { try await task.value }

            let (run, statement) = try await Reconciler(
                queue: scratch.queue, ledger: scratch.ledger,
                mirror: Mirror(queue: scratch.queue, ledger: scratch.ledger)
            ).run(.dry)

            #expect(Set(runs.all).count == 1000 && runs.count == 1000)
            #expect(run.exitCode == 0 && statement.holds)
            #expect(statement.accepted == 1000 && statement.active == 0)
        }
    }

    @Test func `reports every end but the one that the queue refuses`() async throws {
        try await withScratch { scratch in
            let records = (0..<4).map { _ in JobRecord(type: "t") }
            _ = try await scratch.queue.push(records.map { Push($0) }, issued: nil)
            let wish = ReserveWish([.default], limit: 9, lease: .seconds(60), worker: WorkerID("w"))
            let leases = try await scratch.queue.reserve(wish).jobs.map(\.lease)
            let lane = SettleLane(queue: scratch.queue, observer: SilentObserver())
            let ended = Journal<String>()
            for (index, lease) in leases.enumerated() {
                // The functions take no result beyond 8 MiB.
                let result: [UInt8] = index == 1 ? Array(repeating: 0x31, count: 9 << 20) : []
                lane.add(
                    OwedSettlement(
                        settlement: .ack(lease, result: result), deadline: .now + .seconds(60),
                        done: { ended.append($0 == .success(.settled(.completed)) ? "completed" : "refused") }
                    ))
            }

            await lane.drain()

            #expect(ended.all.sorted() == ["completed", "completed", "completed", "refused"])
            let view = try await scratch.queue.inspect(records.map(\.id))
            #expect(Set(view.held.keys) == [records[1].id])
        }
    }
}
