import TallyCommandLine
import Tallystick

enum WorkerCommand: Command {
    static let name = "worker"
    static let summary = "run a worker with the built-in handlers echo, fail and sleep"
    static let help = """
        tally worker run [options]          until SIGINT or SIGTERM, which let running jobs finish; a second
                                    one hands them back and ends within 5 s
          --queue Q (repeatable) --concurrency N --lease 30s --heartbeat 10s --drain 30s
          --register TYPE=echo|fail|sleep   (repeatable) handle TYPE with a built-in; a bare name is allowed
          --unknown release|fail            what happens to jobs of other types
        """
    static let flags: Set<String> = [
        "queue", "concurrency", "lease", "heartbeat", "drain", "register", "unknown",
    ]

    static let repeatable: Set<String> = ["queue", "register"]
    static let words = 1...1
    static let hasOutput = false

    static func run(_ arguments: Arguments) async throws {
        guard arguments.rest == ["run"] else { throw Usage("the only thing to do is `worker run`") }
        let configuration = try configuration(arguments)
        let handlers = try handlers(arguments.all("register"))
        try await Common.withTally(arguments) { tally in
            let worker = tally.worker(handlers: handlers, configuration: configuration)
            Output.note(
                "worker \(worker.id) on \(configuration.queues.map(\.text).joined(separator: ", ")), "
                    + "\(configuration.concurrency) at once, enqueues are \(tally.settings.mode.rawValue)")
            try await Signals.working(worker)
            Output.note("worker \(worker.id) stopped")
        }
    }

    private static func configuration(_ arguments: Arguments) throws -> WorkerConfiguration {
        var configuration = WorkerConfiguration(
            queues: arguments.all("queue").map { QueueName($0) },
            concurrency: try arguments.number("concurrency", in: 1...100_000, or: Limits.concurrency),
            lease: try arguments.duration("lease") ?? Limits.lease,
            heartbeat: try arguments.duration("heartbeat") ?? .zero,
            drain: try arguments.duration("drain") ?? Limits.drain)
        switch arguments.text("unknown") {
        case nil, "release": break
        case "fail": configuration.unknownType = .fail
        case let other?: throw Usage("--unknown \(other): must be release or fail")
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
