import Foundation
import TallyCommandLine
import TallyServers
import Tallystick

enum BenchCommand: Command {
    static let name = "bench"
    static let summary = "measure this machine: rates, latencies, and their share of the raw limits"
    static let help = """
        tally-lab bench [--suite NAME|all] [--rounds 3] [--ended 1000000] [--gigabytes 0.5] [--backlog 500000]
        Starts private servers of its own in a temporary folder and removes them. The raw limits are measured in the
        same run, before load: redis-benchmark LPUSH (-P 16 -c 50 -d 205) and binary COPY of the same job row into an
        unindexed table.
          --suite NAME      one of the names that `all` prints, by its beginning
          --ended N         ended jobs in the ledger beneath `sweep`, which then doubles them; a multiple of 1,000
          --gigabytes N     backlog of jobs of 1 MiB in `backlog_bytes`; Redis holds each twice,
                            Postgres writes it thrice
          --backlog N       recorded jobs that run through a window of a fiftieth of them in `backlog_window`;
                            5000000 is what is promised
        Measured once, whatever --rounds says:
          \(measuredOnce)
        With --json: {"results":[{"name","value","unit","raw","ratio","floor"}]}.
        """
    private static let measuredOnce = Suites.all(Suites.Sizes()).filter { $0.rounds == 1 }
        .map(\.name).joined(separator: ", ")
    static let exitCodes = ExitCodes(
        failed: .init(1, "failed, or a floor is missed"), others: [ExitCodes.interrupted])
    static let flags: Set<String> = ["suite", "rounds", "ended", "gigabytes", "backlog"]
    static let switches: Set<String> = ["work"]

    static func run(_ arguments: Arguments) async throws {
        if arguments.has("work") { return try await BenchWorker.run(arguments) }
        let wanted = arguments.text("suite") ?? "all"
        var sizes = Suites.Sizes()
        sizes.ended = try arguments.number("ended", in: 1000...50_000_000, or: sizes.ended)
        sizes.gigabytes = arguments.text("gigabytes").flatMap(Double.init) ?? sizes.gigabytes
        guard sizes.gigabytes > 0, sizes.gigabytes <= 64 else {
            throw Usage(
                "--gigabytes \(arguments.text("gigabytes") ?? ""): must be a number above 0, up to 64")
        }
        sizes.backlog = try arguments.number("backlog", in: 50_000...50_000_000, or: sizes.backlog)
        let all = Suites.all(sizes)
        let suites = all.filter { wanted == "all" || $0.name.hasPrefix(wanted) }
        let names = all.map(\.name).joined(separator: ", ")
        if suites.isEmpty { throw Usage("--suite \(wanted): there are \(names)") }
        let rounds = try arguments.number("rounds", in: 1...9, or: 3)
        let folder = "/var/tmp/tallystick-bench-\(getpid())"
        Signals.onStop {
            PrivateServers.remove(folder)
            endProcess(ExitCodes.interrupted.code)
        }
        defer { PrivateServers.remove(folder) }
        let servers = try await PrivateServers.startMigrated(folder) { Output.note("bench: \($0)") }
        let limits = try await RawLimits.measure(servers)
        Output.note(
            "raw limits: LPUSH -P 16 \(Int(limits.lpush))/s, COPY \(Int(limits.copy)) rows/s; "
                + "medians of \(rounds) follow")
        var results: [Result] = []
        for suite in suites {
            Output.note("running \(suite.name) …")
            var values: [[Figure]] = []
            for _ in 0..<min(rounds, suite.rounds) { values.append(try await suite.run(servers)) }
            results += Self.results(values, limits)
        }
        show(results, isJSON: arguments.has("json"))
        if results.contains(where: { !$0.holds }) { throw Exit(code: 1) }
    }

    struct Result {
        var figure: Figure
        var raw: Double?
        var holds: Bool { figure.floor.map { $0.holds(figure.value, raw) } ?? true }
        var ratio: Double? { raw.map { figure.value / $0 } }
    }

    /// Of each figure the median over the rounds.
    private static func results(_ rounds: [[Figure]], _ limits: RawLimits) -> [Result] {
        rounds[0].indices.map { index in
            var figure = rounds[0][index]
            figure.value = median(rounds.map { $0[index].value })
            let raw: Double? =
                switch figure.limit {
                case .lpush: limits.lpush
                case .copy: limits.copy
                case nil: nil
                }
            return Result(figure: figure, raw: raw)
        }
    }

    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        return sorted[sorted.count / 2]
    }

    private static func show(_ results: [Result], isJSON: Bool) {
        if isJSON {
            Output.json([
                "results": results.map { result in
                    [
                        "name": result.figure.name, "value": rounded(result.figure.value),
                        "unit": result.figure.unit,
                        "raw": result.raw.map(rounded) ?? NSNull(),
                        "ratio": result.ratio.map { rounded($0) } ?? NSNull(),
                        "floor": result.figure.floor?.text ?? NSNull(),
                    ] as [String: Any]
                }
            ])
            return
        }
        Output.table(
            ["NAME", "VALUE", "UNIT", "RATIO", "FLOOR", ""],
            results.map { result in
                [
                    result.figure.name, String(rounded(result.figure.value)), result.figure.unit,
                    result.ratio.map { String(rounded($0)) } ?? "", result.figure.floor?.text ?? "",
                    result.figure.floor == nil ? "" : result.holds ? "holds" : "MISSED",
                ]
            })
    }

    private static func rounded(_ value: Double) -> Double {
        value >= 100 ? value.rounded() : (value * 1000).rounded() / 1000
    }
}

/// One measured value, what it is held against, and what it must reach.
struct Figure {
    enum Limit { case lpush, copy }
    enum Floor: Equatable {
        /// At least so many, and at least this share of the raw limit of the same run.
        case rate(Double, ratio: Double)
        /// Less than this: of what is to stay small, such as a latency.
        case below(Double)
        /// This or more: of what is to stay large and has no raw limit, such as a share that is kept.
        case atLeast(Double)

        func holds(_ value: Double, _ raw: Double?) -> Bool {
            switch self {
            case .rate(let least, let ratio): value >= least && raw.map { value / $0 >= ratio } ?? true
            case .below(let most): value < most
            case .atLeast(let least): value >= least
            }
        }
        var text: String {
            switch self {
            case .rate(let least, let ratio): ">= \(Int(least)), ratio \(ratio)"
            case .below(let most): "< \(most)"
            case .atLeast(let least): ">= \(least)"
            }
        }
    }
    var name: String
    var value: Double
    var unit: String
    var limit: Limit?
    var floor: Floor?
}
