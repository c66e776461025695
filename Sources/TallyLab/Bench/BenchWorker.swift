import TallyCommandLine
import TallyServers
import Tallystick

/// A worker in a process of its own, whose handler does nothing. Ended by SIGTERM.
enum BenchWorker {
    /// What `tally-lab bench --work` does, until it is told to stop.
    static func run(_ arguments: Arguments) async throws {
        try await Common.withTally(arguments, connecting: Limits.connect, isTryingAgain: true) { tally in
            let worker = tally.worker(
                handlers: [JobHandler("bench.noop") { _ in }],
                configuration: WorkerConfiguration(queues: ["bench"], concurrency: 256))
            try await Signals.working(worker)
        }
    }

    /// Starts one with a number among its like, and answers its process id.
    static func start(_ servers: PrivateServers, _ namespace: String, _ number: Int) throws -> Int32 {
        try servers.start(
            [Programs.own, "bench", "--work"], namespace: namespace, log: "bench-worker-\(number).log")
    }
}
