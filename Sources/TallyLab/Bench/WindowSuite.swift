import Foundation
import TallyCommandLine
import TallyRedis
import TallyServers
import Tallystick

/// What a recorded backlog costs that is far larger than the window of its queue in Redis: it runs through, and what
/// Redis holds stays as it is.
extension Suites {
    static func window(backlog: Int) -> Suites {
        Suites(name: "backlog_window", rounds: 1) { servers in
            let run = WindowRun(servers: servers, backlog: backlog, window: backlog / 50)
            let (seconds, samples) = try await run.measure()
            let half = samples.count / 2
            let early = samples[..<half].map(\.bytes).max() ?? 0
            let late = samples[half...].map(\.bytes).max() ?? 0
            return [
                Figure(name: "backlog_window_rate", value: Double(backlog) / seconds, unit: "jobs/s"),
                Figure(
                    name: "backlog_window_held", value: Double(samples.map(\.held).max() ?? 0), unit: "jobs",
                    // What is leased stands beside the window.
                    floor: .below(Double(run.window + 2 * WindowRun.concurrency))),
                Figure(name: "backlog_window_redis", value: Double(late) / 1_048_576, unit: "MiB"),
                Figure(
                    name: "backlog_window_growth", value: Double(late) / Double(max(1, early)), unit: "×",
                    floor: .below(1.1)),
            ]
        }
    }
}

/// One backlog, from the last recorded job until the ledger has the end of each.
private struct WindowRun: Sendable {
    struct Sample {
        /// Jobs that the queue holds, leased ones as well.
        var held: Int
        /// What Redis uses.
        var bytes: Int
    }

    static let concurrency = 1024
    let servers: PrivateServers
    let backlog: Int
    let window: Int
    private var admin: AdminRedis { servers.admin }

    init(servers: PrivateServers, backlog: Int, window: Int) {
        self.servers = servers
        self.backlog = backlog
        self.window = window
    }

    func measure() async throws -> (seconds: Double, samples: [Sample]) {
        try await Suites.withScratch(servers) { scratch in
            try makeSmall()
            try await record(scratch)
            let left = Counter(backlog)
            let serve = try ServeProcess(servers, namespace: scratch.settings.namespace)
            defer { serve.stop() }
            return try await withWorker(scratch, left) { try await watch(scratch, left) }
        }
    }

    /// The window of the functions is a bound of theirs, no setting; so their text gets another one.
    private func makeSmall() throws {
        let name = FunctionLibrary.name
        let found = admin.ask("FUNCTION", "LIST", "LIBRARYNAME", name, "WITHCODE")?.list.first?.list ?? []
        guard let at = found.firstIndex(where: { $0.text == "library_code" }), at + 1 < found.count,
            let code = found[at + 1].text
        else { throw ServerProblem("Redis does not show the functions") }
        let own = "local WINDOW = \(Limits.queueWindow)"
        guard code.ranges(of: own).count == 1 else {
            throw ServerProblem("the functions have no such window")
        }
        let small = code.replacing(own, with: "local WINDOW = \(window)")
        guard admin.ask("FUNCTION", "LOAD", "REPLACE", small)?.text == name else {
            throw ServerProblem("Redis does not take the functions with another window")
        }
    }

    /// Past every client, which would push: the relay finds all of it.
    private func record(_ scratch: ScratchNamespace) async throws {
        for start in stride(from: 0, to: backlog, by: Limits.jobsPerCall) {
            let count = min(Limits.jobsPerCall, backlog - start)
            _ = try await scratch.ledger.record((0..<count).map { _ in BenchJob.record() })
            if start % 50_000 == 0 { Output.live("bench: \(start) of \(backlog) jobs recorded") }
        }
        Output.endLive()
    }

    /// A worker beside `tally serve` while the body runs.
    private func withWorker<Value: Sendable>(
        _ scratch: ScratchNamespace, _ left: Counter, body: () async throws -> Value
    ) async throws -> Value {
        let worker = Worker(
            queue: scratch.queue, handlers: [JobHandler("bench.noop") { _ in _ = left.take() }],
            configuration: WorkerConfiguration(queues: ["bench"], concurrency: Self.concurrency))
        let working = Task { try await worker.run() }
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        await worker.drain()
        _ = await working.result
        return try result.get()
    }

    private func watch(
        _ scratch: ScratchNamespace, _ left: Counter
    ) async throws -> (seconds: Double, samples: [Sample]) {
        let began = ContinuousClock.now
        let body = RedisKey.body.of(scratch.settings.namespace)
        var samples: [Sample] = []
        // Every job that has run is counted at once; only then is the ledger asked, which counts its rows.
        while left.rest > 0 {
            try check(began)
            if let held = admin.ask("HLEN", body)?.number,
                let bytes = admin.info("used_memory").flatMap({ Int($0) })
            {
                samples.append(Sample(held: held, bytes: bytes))
            }
            Output.live("bench: \(backlog - left.rest) of \(backlog) jobs have run")
            try await Task.sleep(for: .milliseconds(500))
        }
        Output.endLive()
        var balances = try await scratch.ledger.balances()
        while balances.completed < backlog {
            try check(began)
            try await Task.sleep(for: .milliseconds(500))
            balances = try await scratch.ledger.balances()
        }
        guard balances.accepted == backlog, balances.failed == 0, balances.quarantined == 0 else {
            throw ServerProblem("of \(backlog) jobs the ledger says \(balances)")
        }
        return ((ContinuousClock.now - began).seconds, samples)
    }

    private func check(_ began: ContinuousClock.Instant) throws {
        if ContinuousClock.now - began > .seconds(600 + backlog / 1000) {
            throw ServerProblem("the backlog of \(backlog) jobs does not run through")
        }
    }
}
