import Foundation
import TallyServers
import Tallystick

/// What the two stores do at best on this machine, without us.
struct RawLimits {
    var lpush: Double
    var copy: Double

    static func measure(_ servers: PrivateServers) async throws -> RawLimits {
        var lpush: [Double] = []
        for _ in 0..<3 { lpush.append(try redisBenchmark(servers)) }
        return RawLimits(lpush: BenchCommand.median(lpush), copy: try await copyRate(servers))
    }

    private static func redisBenchmark(_ servers: PrivateServers) throws -> Double {
        guard let program = ServerTools.find("redis-benchmark") else {
            throw ServerProblem("redis-benchmark is not installed; run ops/up")
        }
        let text = try ServerTools.run([
            program, "-p", "\(servers.state.redisPort)", "-a", servers.state.redisPassword, "-P", "16",
            "-c", "50", "-d",
            "205", "-n", "1000000", "-t", "lpush", "--csv",
        ])
        try ServerTools.run([
            ServerTools.find("redis-cli") ?? "redis-cli", "-p", "\(servers.state.redisPort)", "-a",
            servers.state.redisPassword, "--no-auth-warning", "DEL", "mylist",
        ])
        for line in text.split(separator: "\n") where line.hasPrefix("\"LPUSH") {
            let cells = line.split(separator: ",")
            if cells.count > 1, let rate = Double(cells[1].filter { $0 != "\"" }) { return rate }
        }
        throw ServerProblem("redis-benchmark printed no LPUSH line:\n\(text.prefix(500))")
    }

    private static func copyRate(_ servers: PrivateServers) async throws -> Double {
        let scratch = try await ScratchNamespace.open(
            redisURL: servers.redisURL, postgresURL: servers.postgresURL)
        let now = Timestamp.now
        let rows = (0..<100_000).map { _ in
            JobSnapshot(
                record: BenchJob.record(), status: .completed, version: 2, workerID: WorkerID("bench"),
                startedAt: now,
                completedAt: now, updatedAt: now, epoch: 1, seq: 1)
        }
        var rates: [Double] = []
        for _ in 0..<3 { rates.append(100_000 / (try await scratch.ledger.copyLimit(rows)).seconds) }
        try await scratch.remove()
        return BenchCommand.median(rates)
    }
}

enum BenchJob {
    /// 205 bytes of JSON, as in the raw limits.
    static let body: [UInt8] = {
        let lines = #"[{"sku":"a-1","count":2},{"sku":"b-2","count":1}]"#
        let head = #"{"order":7,"customer":"c-000001","lines":\#(lines),"note":""#
        return Array((head + String(repeating: "x", count: 205 - head.utf8.count - 2) + "\"}").utf8)
    }()

    static func record() -> JobRecord { JobRecord(type: "bench.noop", queue: "bench", body: body) }
}
