import Foundation
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
        var all = ProcessInfo.processInfo.environment
        all["TALLY_REDIS_URL"] = servers.redisURL
        all["TALLY_POSTGRES_URL"] = servers.postgresURL
        all["TALLY_NAMESPACE"] = namespace
        return try ChildProcess.start(
            [Programs.own, "bench", "--work"], environment: all.map { "\($0.key)=\($0.value)" },
            output: "\(servers.folder)/bench-worker-\(number).log")
    }
}
