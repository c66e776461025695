import TallyCommandLine
import TallyCore
import Tallystick

enum WorkerCommand: Command {
    static let name = "worker"
    static let summary = "run a worker with the built-in handlers echo, fail and sleep"
    static let help = """
        tally worker run [options]          until SIGINT or SIGTERM, which let running jobs finish; a second
                                    one hands them back and ends within 5 s
          --queue Q (repeatable) --concurrency N --drain 30s
          --lease 30s       1s at least; a job whose lease runs out counts a crash
          --heartbeat 10s   100ms at least, half of the lease at most
          --register TYPE=echo|fail|sleep   (repeatable) handle TYPE with a built-in, and no type that is not named
                            so; a bare name is allowed
          --unknown release|fail            what happens to jobs of other types
        """
    static let flags: Set<String> = [
        "queue", "concurrency", "lease", "heartbeat", "drain", "register", "unknown",
    ]

    static let repeatable: Set<String> = ["queue", "register"]
    static let words = 1...1
    static let subcommands = [["run"]]
    static let values = ["unknown": ["release", "fail"]]
    static let hasOutput = false

    static func run(_ arguments: Arguments) async throws {
        guard arguments.rest == ["run"] else { throw Usage("the only thing to do is `worker run`") }
        let configuration = try configuration(arguments)
        let handlers = try handlers(arguments.all("register"))
        try await Common.withTally(arguments, connecting: Limits.connect) { tally in
            let worker = tally.worker(handlers: handlers, configuration: configuration)
            Output.note(
                "worker \(worker.id) on \(configuration.queues.map(\.text).joined(separator: ", ")), "
                    + "\(configuration.concurrency) at once, enqueues are \(tally.settings.mode.rawValue)")
            try await Signals.working(worker)
            Output.note("worker \(worker.id) stopped")
        }
    }

    private static func configuration(_ arguments: Arguments) throws -> WorkerConfiguration {
        for name in arguments.all("queue") {
            if let problem = NameCheck.problem(name) { throw Usage("--queue: the name \(problem)") }
        }
        let lease = try arguments.duration("lease") ?? Limits.lease
        if lease < Limits.commandLease || lease > Limits.maxLease {
            throw Usage("--lease: must lie within 1s and 1d; a job whose lease runs out counts a crash")
        }
        let heartbeat = try arguments.duration("heartbeat")
        if let heartbeat, heartbeat < Limits.commandHeartbeat || heartbeat > lease / 2 {
            throw Usage("--heartbeat: must lie within 100ms and half of the lease")
        }
        var configuration = WorkerConfiguration(
            queues: arguments.all("queue").map { QueueName($0) },
            concurrency: try arguments.number("concurrency", in: 1...100_000, or: Limits.concurrency),
            lease: lease, heartbeat: heartbeat ?? .zero,
            drain: try arguments.duration("drain") ?? Limits.drain)
        switch arguments.text("unknown") {
        case nil, "release": break
        case "fail": configuration.unknownType = .fail
        case let other?: throw Usage.noChoice("--unknown", other, of: ["release", "fail"])
        }
        return configuration
    }

    private static func handlers(_ registrations: [String]) throws -> [JobHandler] {
        let builtin = [
            "echo": SampleHandlers.echo, "fail": SampleHandlers.fail, "sleep": SampleHandlers.sleep,
        ]
        if registrations.isEmpty { return SampleHandlers.all }
        var types: Set<String> = []
        return try registrations.map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
                String.init)
            guard let type = parts.first, !type.isEmpty, let handler = builtin[parts.last ?? ""] else {
                throw Usage(
                    "--register \(Output.printable(text)): must be TYPE=echo, TYPE=fail or TYPE=sleep")
            }
            if !types.insert(type).inserted {
                throw Usage("--register \(Output.printable(text)): this type is registered already")
            }
            return JobHandler(JobType(type), retries: handler.retries) { context in
                try await handler.callAsFunction(context)
            }
        }
    }
}
