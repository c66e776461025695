import Foundation
import TallyRedis
import TallyServers
import Tallystick

/// What is to be had from more than one worker process, and what a call of Redis takes at most.
extension Suites {
    static let scale: [Suites] = [
        Suites(name: "scale_out") { servers in
            var rates: [Int: Double] = [:]
            for processes in [1, 2, 4] {
                rates[processes] = try await drained(servers, by: processes, jobs: 100_000)
            }
            let figures = rates.sorted { $0.key < $1.key }.map { processes, rate in
                Figure(name: "scale_out_\(processes)", value: rate, unit: "jobs/s")
            }
            // Where Redis and the workers share few processors, more of these take turns; they shall not hinder.
            let kept = rates[4]! / rates[1]!
            return figures + [Figure(name: "scale_out_kept", value: kept, unit: "×", floor: .atLeast(0.8))]
        },
        Suites(name: "reclaim_100k", rounds: 1) { servers in
            let (longest, seconds) = try await takenBack(servers, jobs: 100_000)
            return [
                Figure(name: "reclaim_100k_call", value: longest, unit: "ms", floor: .below(50)),
                Figure(name: "reclaim_100k", value: seconds, unit: "s"),
            ]
        },
    ]

    /// Of the jobs that are then taken back.
    private static let lease = Duration.seconds(10)
    /// How long a queue may take to become as empty as it is waited for.
    private static let patience = Duration.seconds(120)
    /// Between two looks at a queue: so fine is the moment that is found.
    private static let look = Duration.milliseconds(10)

    /// Jobs a second out of a full queue by so many processes, once they have warmed up: until then they start.
    private static func drained(
        _ servers: PrivateServers, by processes: Int, jobs: Int
    ) async throws -> Double {
        try await withScratch(servers) { scratch in
            try await push(jobs, scratch.queue)
            var workers: [Int32] = []
            defer {
                for worker in workers { kill(worker, SIGTERM) }
                for worker in workers { _ = try? ChildProcess.wait(worker) }  // it is ours, and ends
            }
            for number in 0..<processes {
                workers.append(try BenchWorker.start(servers, scratch.settings.namespace, number))
            }
            let body = RedisKey.body.of(scratch.settings.namespace)
            let warmUp = jobs / 10
            let start = try await moment(servers, body, holdsAtMost: jobs - warmUp)
            let end = try await moment(servers, body, holdsAtMost: 0)
            return Double(jobs - warmUp) / (end - start).seconds
        }
    }

    private static func push(_ jobs: Int, _ queue: RedisQueue) async throws {
        for start in stride(from: 0, to: jobs, by: Limits.jobsPerCall) {
            let count = min(Limits.jobsPerCall, jobs - start)
            _ = try await queue.push((0..<count).map { _ in Push(BenchJob.record()) }, issued: nil)
        }
    }

    /// The moment from which on the queue holds no more than so many jobs.
    private static func moment(
        _ servers: PrivateServers, _ body: String, holdsAtMost most: Int
    ) async throws -> ContinuousClock.Instant {
        let admin = servers.admin
        let began = ContinuousClock.now
        while true {
            let held = admin.ask("HLEN", body)?.number
            if let held, held <= most { return .now }
            if ContinuousClock.now - began > patience {
                throw ServerProblem("the queue holds \(held ?? -1) jobs, not \(most)")
            }
            try await Task.sleep(for: look)
        }
    }

    /// Leases that have run out at once: what the longest call of Redis takes, and until all are taken back.
    private static func takenBack(
        _ servers: PrivateServers, jobs: Int
    ) async throws -> (longest: Double, seconds: Double) {
        let admin = servers.admin
        return try await withScratch(servers) { scratch in
            let wish = ReserveWish(
                ["bench"], limit: Limits.jobsPerCall, lease: lease, worker: WorkerID("bench"))
            var leased = 0
            while leased < jobs {
                try await push(min(Limits.jobsPerCall, jobs - leased), scratch.queue)
                leased += try await scratch.queue.reserve(wish).jobs.count
            }
            let last = try await scratch.queue.stamp().at + lease
            while try await scratch.queue.stamp().at <= last { try await Task.sleep(for: look) }
            try configure(admin, "SET", "latency-tracking-info-percentiles", "100")
            try configure(admin, "RESETSTAT")
            let began = ContinuousClock.now
            var back = 0
            while back < jobs {
                let some = try await scratch.queue.reclaim(jobs)
                if some == 0 { throw ServerProblem("\(back) of \(jobs) leases were taken back") }
                back += some
            }
            let seconds = (ContinuousClock.now - began).seconds
            return (try longestCall(admin), seconds)
        }
    }

    /// Without either setting the longest call would be that of another time, or not be told.
    private static func configure(_ admin: AdminRedis, _ words: String...) throws {
        guard admin.ask(["CONFIG"] + words)?.text == "OK" else {
            throw ServerProblem("CONFIG \(words.joined(separator: " ")) was refused")
        }
    }

    /// In milliseconds, of the functions, since its counts were reset.
    private static func longestCall(_ admin: AdminRedis) throws -> Double {
        let text = admin.ask("INFO", "latencystats")?.text ?? ""
        for line in text.split(whereSeparator: \.isNewline)
        where line.hasPrefix("latency_percentiles_usec_fcall:p100=") {
            if let microseconds = Double(line.drop { $0 != "=" }.dropFirst()) { return microseconds / 1000 }
        }
        throw ServerProblem("Redis does not say how long a call took")
    }
}
