import TallyCore
import TallyDuties
import TallyMemory
import TallyTesting
import TestSupport

@testable import TallyRuntime

/// Memory stores that can fail, and what stands above them.
struct Rig: Sendable {
    let memory: MemoryQueue
    let queue: FaultyQueue
    let ledger = FaultyLedger(MemoryLedger())
    /// What clients record through.
    let recording: SpyRecording

    init(clock: (@Sendable () -> Timestamp)? = nil) { self.init(MemoryQueue(clock: clock)) }

    init(_ memory: MemoryQueue) {
        self.memory = memory
        queue = FaultyQueue(memory)
        recording = SpyRecording(ledger)
    }

    /// The ledger with the recording of tests.
    var store: LedgerStore {
        var store = ledger.store
        store.recording = recording
        return store
    }

    func client(_ durability: Durability = .recorded) -> JobClient {
        JobClient(queue: queue, ledger: store, durability: durability)
    }

    @discardableResult
    func push(
        _ type: JobType = "t", queue name: QueueName = .default, maxAttempts: Int = 3, maxCrashes: Int = 3,
        timeout: Duration? = nil, body: [UInt8] = []
    ) async throws -> JobRecord {
        let record = JobRecord(
            type: type, queue: name, body: body, timeout: timeout, maxAttempts: maxAttempts,
            maxCrashes: maxCrashes)
        _ = try await memory.push([Push(record)], issued: nil)
        return record
    }

    func held(_ id: JobID) async throws -> JobSnapshot? { try await memory.inspect([id]).held[id] }
    func ended(_ id: JobID) async throws -> JobStatus? {
        try await memory.inspect([id]).ended[id]?.status
    }

    func eventuallyEnded(_ id: JobID, _ status: JobStatus) async throws {
        try await eventually("job is \(status)") { try await ended(id) == status }
    }

    /// The moves of one job, oldest first.
    func moves(_ id: JobID) async throws -> [(verb: Verb, move: Move)] {
        try await memory.log(after: .start, limit: 100_000).flatMap { entry in
            entry.moves.filter { $0.id == id }.map { (entry.verb, $0) }
        }
    }

    func worker(_ handlers: JobHandler...) -> Worker {
        Worker(queue: queue, handlers: handlers, configuration: WorkerConfiguration(concurrency: 4))
    }
    func worker(
        _ configuration: WorkerConfiguration, middleware: [JobMiddleware] = [],
        _ handlers: JobHandler...
    ) -> Worker {
        Worker(queue: queue, handlers: handlers, configuration: configuration, middleware: middleware)
    }
    /// One whose early reports wait for the test.
    func worker(
        _ configuration: WorkerConfiguration, pausing pause: @escaping @Sendable () async -> Void,
        _ handlers: JobHandler...
    ) -> Worker {
        Worker(
            queue: queue, ledger: nil, handlers: handlers, configuration: configuration, middleware: [],
            observer: SilentObserver(), pause: { _ in await pause() })
    }
}

/// Runs the worker while `body` runs, then stops it at once.
func running(_ worker: Worker, _ body: () async throws -> Void) async throws {
    let task = Task { try await worker.run() }
    do {
        try await body()
    } catch {
        task.cancel()
        _ = await task.result
        throw error
    }
    task.cancel()
    _ = await task.result
}

/// Runs something endless, such as the duties, while `body` runs.
func beside(_ endless: @escaping @Sendable () async throws -> Void, _ body: () async throws -> Void)
    async throws
{
    let task = Task { try await endless() }
    do {
        try await body()
    } catch {
        task.cancel()
        _ = await task.result
        throw error
    }
    task.cancel()
    _ = await task.result
}

/// Retries at once.
let atOnce = ExponentialBackoff(base: .zero, maxAttempts: 10_000)
