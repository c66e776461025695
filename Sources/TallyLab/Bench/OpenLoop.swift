import Foundation
import Synchronization
import TallyServers
import Tallystick

/// Enqueues at a fixed rate, whatever the answers, with an idle worker and the mirror on. The clock of a job starts
/// before its enqueue call and stops at its handler's first line.
struct OpenLoop {
    var rate: Int
    var seconds: Int
    var durability: Durability

    func run(_ servers: PrivateServers) async throws -> (pickups: [Double], lags: [Double]) {
        try await Suites.withScratch(servers) { scratch in
            let jobs = rate * seconds
            let pickups = Pickups(jobs)
            let worker = Worker(
                queue: scratch.queue,
                handlers: [JobHandler("bench.noop") { context in pickups.started(context.id) }],
                configuration: WorkerConfiguration(queues: ["bench"], concurrency: 256))
            let meter = LedgerMeter()
            meter.expect(jobs)
            let mirror = Mirror(queue: scratch.queue, ledger: scratch.ledger, observer: meter)
            let duties = Task { try await mirror.run() }
            let working = Task { try await worker.run() }
            let client = JobClient(queue: scratch.queue, ledger: scratch.ledger, durability: durability)
            try await produce(jobs, client, pickups)
            await meter.allCompleted()
            await worker.drain()
            _ = await working.result
            duties.cancel()
            _ = await duties.result
            return (pickups.milliseconds, meter.lags)
        }
    }

    private func produce(_ jobs: Int, _ client: JobClient, _ pickups: Pickups) async throws {
        let began = ContinuousClock.now
        let interval = Duration.seconds(1) / rate
        try await withThrowingTaskGroup(of: Void.self) { group in
            var sent = 0
            while sent < jobs {
                let due = min(jobs, Int((ContinuousClock.now - began) / interval) + 1)
                for _ in sent..<max(sent, due) {
                    let record = BenchJob.record()
                    pickups.called(record.id)
                    group.addTask { try await client.enqueue(record) }
                }
                sent = max(sent, due)
                try await Task.sleep(until: began + interval * sent, tolerance: .zero, clock: .continuous)
            }
            try await group.waitForAll()
        }
    }
}

private final class Pickups: Sendable {
    private struct State {
        var called: [JobID: ContinuousClock.Instant] = [:]
        var milliseconds: [Double] = []
    }
    private let state = Mutex(State())

    init(_ count: Int) { state.withLock { $0.called.reserveCapacity(count) } }

    func called(_ id: JobID) { state.withLock { $0.called[id] = .now } }
    func started(_ id: JobID) {
        let now = ContinuousClock.now
        state.withLock { state in
            guard let at = state.called.removeValue(forKey: id) else { return }
            state.milliseconds.append((now - at).seconds * 1000)
        }
    }
    var milliseconds: [Double] { state.withLock { $0.milliseconds } }
}
