import TallyServers
import Tallystick

/// What idle workers cost Redis: calls a second, while jobs of their own queue and of another one fall due.
struct IdleFleet {
    var workers = 1000
    var seconds = 20
    /// A process' blocking waits are bounded, so the fleet stands for so many processes.
    private let perQueue = 50

    func run(_ servers: PrivateServers) async throws -> Double {
        try await Suites.withScratch(servers) { scratch in
            var queues: [RedisQueue] = []
            for _ in 0..<(workers / perQueue) {
                queues.append(try await RedisQueue.open(scratch.settings.redis()))
            }
            let fleet = queues.flatMap { queue in
                (0..<perQueue).map { _ in
                    Worker(
                        queue: queue, handlers: [JobHandler("bench.noop") { _ in }],
                        configuration: WorkerConfiguration(queues: ["bench"], concurrency: 1))
                }
            }
            let running = fleet.map { worker in Task { try await worker.run() } }
            try await everybodyReports(scratch)
            try await schedule(scratch)
            let connection = try RedisConnection(scratch.settings.redis())
            let before = try calls(connection)
            let began = ContinuousClock.now
            try await Task.sleep(for: .seconds(seconds))
            let count = try calls(connection) - before
            let took = ContinuousClock.now - began
            connection.close()
            for task in running { task.cancel() }
            for task in running { _ = await task.result }
            for queue in queues { await queue.close() }
            return Double(count) / took.seconds
        }
    }

    /// From then on each knows how many they are once it has asked again.
    private func everybodyReports(_ scratch: ScratchNamespace) async throws {
        var reported = 0
        while reported < workers {
            let wish = ReserveWish(["nobody"], limit: 1, worker: WorkerID("bench"))
            reported = try await scratch.queue.reserve(wish).workers
            try await Task.sleep(for: .milliseconds(100))
        }
        try await Task.sleep(for: Limits.idleWait * 2)
    }

    /// Ten jobs a second fall due, half of them of a queue that nobody here works on.
    private func schedule(_ scratch: ScratchNamespace) async throws {
        let now = try await scratch.queue.stamp().at
        let jobs = (0..<(seconds * 10)).map { number in
            Push(
                JobRecord(
                    type: "bench.noop", queue: number.isMultiple(of: 2) ? "bench" : "elsewhere",
                    runAt: now + .milliseconds(100 * number)))
        }
        for page in jobs.pages(of: Limits.jobsPerCall) {
            _ = try await scratch.queue.push(page, issued: nil)
        }
    }

    /// Function calls and blocking waits: all that workers send.
    private func calls(_ connection: RedisConnection) throws -> Int {
        let text = try connection.command(["INFO", "commandstats"]).text ?? ""
        return text.split(whereSeparator: \.isNewline).reduce(0) { sum, line in
            guard line.hasPrefix("cmdstat_fcall:calls=") || line.hasPrefix("cmdstat_blpop:calls=") else {
                return sum
            }
            return sum + (Int(line.drop { $0 != "=" }.dropFirst().prefix { $0 != "," }) ?? 0)
        }
    }
}
