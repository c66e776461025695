import Foundation
import Synchronization
import TallyCommandLine
import TallyServers
import Tallystick

/// What is measured. Each run has a fresh namespace; a private server pair is shared by all.
struct Suites: Sendable {
    var name: String
    /// The most rounds that it is worth.
    var rounds = 9
    var run: @Sendable (PrivateServers) async throws -> [Figure]

    /// What flags may make larger or smaller.
    struct Sizes {
        /// Ended jobs beneath the sweeps.
        var ended = 1_000_000
        /// Bodies of the backlog of large jobs.
        var gigabytes = 0.5
        /// Jobs of the backlog that is larger than its window.
        var backlog = 500_000
    }

    /// All, in the order in which they run.
    static func all(_ sizes: Sizes) -> [Suites] {
        path + scale + [backlog(gigabytes: sizes.gigabytes), window(backlog: sizes.backlog)]
            + reconciler(ended: sizes.ended)
    }

    static let path: [Suites] = [
        Suites(name: "enqueue_queued_1024") { servers in
            let rate = try await enqueue(servers, .queued, jobs: 300_000)
            return [
                Figure(
                    name: "enqueue_queued_1024", value: rate, unit: "jobs/s", limit: .lpush,
                    floor: .rate(120_000, ratio: 0.16))
            ]
        },
        Suites(name: "enqueue_recorded_1024") { servers in
            let rate = try await enqueue(servers, .recorded, jobs: 100_000)
            return [
                Figure(
                    name: "enqueue_recorded_1024", value: rate, unit: "jobs/s", limit: .copy,
                    floor: .rate(20_000, ratio: 0.07))
            ]
        },
        Suites(name: "lifecycle_ledger") { servers in
            let rate = try await lifecycle(servers, jobs: 150_000)
            return [
                Figure(
                    name: "lifecycle_ledger", value: rate, unit: "jobs/s", limit: .copy,
                    floor: .rate(20_000, ratio: 0.07))
            ]
        },
        Suites(name: "pickup_1k") { servers in
            let times = try await OpenLoop(rate: 1000, seconds: 8, durability: .queued).run(servers).pickups
            return [
                Figure(name: "pickup_1k_p50", value: times.percentile(0.5), unit: "ms", floor: .below(1)),
                Figure(name: "pickup_1k_p99", value: times.percentile(0.99), unit: "ms", floor: .below(5)),
            ]
        },
        Suites(name: "ledger_lag_10k") { servers in
            let lags = try await OpenLoop(rate: 10_000, seconds: 8, durability: .queued).run(servers).lags
            return [
                Figure(name: "ledger_lag_10k_p50", value: lags.percentile(0.5), unit: "ms"),
                Figure(
                    name: "ledger_lag_10k_p99", value: lags.percentile(0.99), unit: "ms", floor: .below(500)),
            ]
        },
        Suites(name: "idle_1000", rounds: 1) { servers in
            let calls = try await IdleFleet().run(servers)
            return [Figure(name: "idle_1000", value: calls, unit: "calls/s", floor: .below(500))]
        },
    ]

    static func withScratch<Value>(
        _ servers: PrivateServers, _ body: (ScratchNamespace) async throws -> Value
    ) async throws -> Value {
        let scratch = try await ScratchNamespace.open(
            redisURL: servers.redisURL, postgresURL: servers.postgresURL)
        do {
            let value = try await body(scratch)
            try await scratch.remove()
            return value
        } catch {
            try await scratch.remove()
            throw error
        }
    }

    /// 1,024 tasks, each awaiting one enqueue at a time.
    private static func enqueue(_ servers: PrivateServers, _ durability: Durability, jobs: Int) async throws
        -> Double
    {
        try await withScratch(servers) { scratch in
            let client = JobClient(queue: scratch.queue, ledger: scratch.ledger, durability: durability)
            let took = try await ContinuousClock().measure {
                try await spread(jobs) { try await client.enqueue(BenchJob.record()) }
            }
            await client.drain()
            return Double(jobs) / took.seconds
        }
    }

    /// `count` calls from 1,024 tasks. The division leaves no remainder unsent: tasks draw from one counter.
    static func spread(_ count: Int, _ call: @escaping @Sendable () async throws -> Void) async throws {
        let left = Counter(count)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<1024 {
                group.addTask { while left.take() { try await call() } }
            }
            try await group.waitForAll()
        }
    }

    /// Produce, work and mirror at once; the clock stops when the ledger has every completion.
    private static func lifecycle(_ servers: PrivateServers, jobs: Int) async throws -> Double {
        try await withScratch(servers) { scratch in try await lifecycle(scratch, jobs: jobs) }
    }

    /// - Parameter wave: so many at once; the next when these are done. nil = all.
    static func lifecycle(
        _ scratch: ScratchNamespace, jobs: Int, wave: Int? = nil, meter: LedgerMeter = LedgerMeter()
    ) async throws -> Double {
        let client = JobClient(queue: scratch.queue, ledger: scratch.ledger, durability: .queued)
        let worker = Worker(
            queue: scratch.queue, handlers: [JobHandler("bench.noop") { _ in }],
            configuration: WorkerConfiguration(queues: ["bench"], concurrency: 1024))
        let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger, observer: meter)
        let duties = Task { try await mirror.run() }
        let working = Task { try await worker.run() }
        let took = try await ContinuousClock().measure {
            for start in stride(from: 0, to: jobs, by: wave ?? jobs) {
                let count = min(wave ?? jobs, jobs - start)
                meter.expect(count)
                try await spread(count) { try await client.enqueue(BenchJob.record()) }
                await meter.allCompleted()
            }
        }
        await worker.drain()
        _ = await working.result
        duties.cancel()
        _ = await duties.result
        let balances = try await scratch.ledger.balances()
        guard balances.completed == jobs else {
            throw ServerProblem("the ledger has \(balances.completed) of \(jobs) completions")
        }
        return Double(jobs) / took.seconds
    }
}

final class Counter: Sendable {
    private let left: Atomic<Int>
    init(_ count: Int) { left = Atomic(count) }
    /// How many are left; below zero where more were taken than there were.
    var rest: Int { left.load(ordering: .relaxed) }
    func take() -> Bool { left.subtract(1, ordering: .relaxed).oldValue > 0 }
}

/// Counts completions as the ledger commits them, and how long each transition took to get there.
final class LedgerMeter: JobObserver {
    private struct State {
        var left = 0
        var waiter: CheckedContinuation<Void, Never>?
        var lags: [Double] = []
    }
    private let state = Mutex(State())

    func expect(_ count: Int) { state.withLock { $0.left += count } }

    func mirrored(_ batch: MirrorBatch) {
        let now = Timestamp.now
        let waiter = state.withLock { state in
            for event in batch.events {
                state.lags.append((now - event.at).seconds * 1000)
                if event.to == .completed { state.left -= 1 }
            }
            guard state.left <= 0 else { return CheckedContinuation<Void, Never>?.none }
            let waiter = state.waiter
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }

    func dutyFailed(_ duty: String, _ error: any Error) { Output.note("bench: \(duty): \(error)") }

    func allCompleted() async {
        await withCheckedContinuation { continuation in
            let done = state.withLock { state in
                if state.left <= 0 { return true }
                state.waiter = continuation
                return false
            }
            if done { continuation.resume() }
        }
    }

    var lags: [Double] { state.withLock { $0.lags } }
}

extension [Double] {
    func percentile(_ share: Double) -> Double {
        if isEmpty { return .nan }
        let sorted = sorted()
        return sorted[Swift.min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}
