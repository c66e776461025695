import Foundation
import Glibc
import TallyCommandLine
import TallyServers
import Tallystick

/// What `tally serve` costs in memory while it catches up with large bodies, as after an outage of Postgres.
extension Suites {
    static func backlog(gigabytes: Double) -> Suites {
        Suites(name: "backlog_bytes", rounds: 1) { servers in
            let jobs = max(1, Int(gigabytes * 1024))
            let (mebibytes, seconds) = try await backlog(servers, jobs: jobs)
            return [
                Figure(name: "backlog_bytes_resident", value: mebibytes, unit: "MiB", floor: .below(256)),
                Figure(name: "backlog_bytes_rate", value: Double(jobs) / seconds, unit: "MiB/s"),
            ]
        }
    }

    /// Fills the queue with jobs of 1 MiB while nothing mirrors, then starts a `tally serve` and watches it until the
    /// ledger has all of them. Answers the most that it ever held in memory, and how long it took.
    private static func backlog(
        _ servers: PrivateServers, jobs: Int
    ) async throws -> (mebibytes: Double, seconds: Double) {
        try await withScratch(servers) { scratch in
            for number in 0..<jobs {
                _ = try await scratch.queue.push([Push(largeJob())], issued: nil)
                if number % 64 == 0 { Output.live("bench: \(number) of \(jobs) MiB of backlog") }
            }
            Output.endLive()
            let end = try await scratch.queue.history().end
            let began = ContinuousClock.now
            let serve = try ServeProcess(servers, namespace: scratch.settings.namespace)
            defer { serve.stop() }
            var most = 0.0
            while try await scratch.ledger.cursor() < end {
                most = max(most, try serve.mostMebibytes())
                if ContinuousClock.now - began > .seconds(60 + jobs) {
                    throw ServerProblem("the ledger stands at \(try await scratch.ledger.cursor()) of \(end)")
                }
                try await Task.sleep(for: .milliseconds(100))
            }
            most = max(most, try serve.mostMebibytes())
            let took = (ContinuousClock.now - began).seconds
            let balances = try await scratch.ledger.balances()
            guard balances.accepted == jobs, balances.quarantined == 0 else {
                throw ServerProblem("the ledger has \(balances.accepted) of \(jobs) jobs")
            }
            return (most, took)
        }
    }

    /// A body of the largest size, JSON that no compression makes small.
    private static func largeJob() -> JobRecord {
        var body = [UInt8](repeating: 0, count: Limits.bodyBytes)
        var random = SystemRandomNumberGenerator()
        for start in stride(from: 0, to: body.count, by: 8) {
            let word = random.next()
            for place in 0..<8 { body[start + place] = 0x30 + UInt8(word >> (8 * UInt64(place)) & 0x2F) }
        }
        for at in body.indices where body[at] == UInt8(ascii: "\\") { body[at] = UInt8(ascii: "-") }
        body[0] = UInt8(ascii: "\"")
        body[body.count - 1] = UInt8(ascii: "\"")
        return JobRecord(type: "bench.noop", queue: "bench", body: body)
    }
}

/// `tally serve`, in a process of its own.
struct ServeProcess {
    let pid: Int32

    init(_ servers: PrivateServers, namespace: String) throws {
        pid = try servers.start([try Programs.tally(), "serve"], namespace: namespace, log: "serve.log")
    }

    /// The most that was ever resident, by the kernel's own mark.
    func mostMebibytes() throws -> Double {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({
                Double($0)
            })
        else { throw ServerProblem("tally serve has ended before it caught up") }
        return kibibytes / 1024
    }

    func stop() {
        kill(pid, SIGTERM)
        _ = try? ChildProcess.wait(pid)  // it is ours, and ends
    }
}
