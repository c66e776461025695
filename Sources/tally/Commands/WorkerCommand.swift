import TallyCommandLine
import TallyCore
import Tallystick

enum WorkerCommand: Command {
    static let name = "worker"
    static let summary = "run a worker whose handlers are programs or servers of yours, or the built-in ones"
    static let help = """
        tally worker run [options]          until SIGINT or SIGTERM, which let running jobs finish; a second
                                    one hands them back and ends within 5 s
          --queue Q[=WEIGHT]  (repeatable) take jobs there; while several have work each has its share by weight, from
                            1 to \(Limits.queueWeight): of `--queue mail=3 --queue bulk=1` mail has three of four
          --strict          instead of weights: a later queue is looked at only while those before it are empty
          --concurrency N --drain 30s
          --lease 30s       1s at least; a job whose lease runs out counts a crash
          --heartbeat 10s   100ms at least, half of the lease at most
          --register TYPE=echo|fail|sleep   (repeatable) handle TYPE with a built-in, and no type that is not named
                            so; a bare name is allowed
          --handler TYPE=exec:COMMAND       (repeatable) run a program for each job of TYPE, without a shell: the
                            words stand between spaces, or in a JSON array. Body on standard input, result on
                            standard output; exit 0 completes, 65 fails for good, 75 runs it later (the time, such
                            as 30s and 1s at least, written to the file $TALLY_SNOOZE), any other is a failed attempt
                            A line `tally-progress 0.4 TEXT` on standard error says how far the job is
          --pass-env NAME   (repeatable) programs get this variable beside PATH, HOME, LANG and the like
          --handler TYPE=http://…|https://… (repeatable) send each job of TYPE there by POST; 2xx completes with
                            the body of the answer, 408, 425, 429 and 5xx are failed attempts, any other fails for
                            good
          --allow-private   these may lead to this machine and its own network
          --unknown release|fail            what happens to jobs of other types: they are handed back for
                            \(Limits.unknownType.components.seconds) s, each further time for twice as long, up to
                            \(Limits.unknownTypeCap.components.seconds) s; or they fail for good
        """
    static let flags: Set<String> = [
        "queue", "concurrency", "lease", "heartbeat", "drain", "register", "handler", "pass-env",
        "unknown",
    ]

    static let switches: Set<String> = ["strict", "allow-private"]
    static let repeatable: Set<String> = ["queue", "register", "handler", "pass-env"]
    static let words = 1...1
    static let subcommands = [["run"]]
    static let values = ["unknown": ["release", "fail"]]
    static let hasOutput = false

    static func run(_ arguments: Arguments) async throws {
        guard arguments.rest == ["run"] else { throw Usage("the only thing to do is `worker run`") }
        let configuration = try configuration(arguments)
        let handlers = try WorkerHandlers.read(arguments)
        try await Common.withTally(arguments, connecting: Limits.connect, isTryingAgain: true) { tally in
            let worker = tally.worker(handlers: handlers, configuration: configuration)
            Output.note(
                "worker \(worker.id) on \(queues(configuration)), "
                    + "\(configuration.concurrency) at once, enqueues are \(tally.settings.mode.rawValue)")
            try await Signals.working(worker)
            Output.note("worker \(worker.id) stopped")
        }
    }

    private static func configuration(_ arguments: Arguments) throws -> WorkerConfiguration {
        let weighted = try arguments.all("queue").map { try weightedQueue($0) }
        let weights = Dictionary(weighted.map { ($0.name, $0.weight ?? 1) }, uniquingKeysWith: { $1 })
        if weights.count < weighted.count { throw Usage("--queue: a queue is named twice") }
        if arguments.has("strict"), weighted.contains(where: { $0.weight != nil }) {
            throw Usage("--strict: weights mean nothing there; the order of the queues counts")
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
            queues: weighted.map(\.name), weights: weights, isStrict: arguments.has("strict"),
            concurrency: try arguments.number(
                "concurrency", in: 1...Limits.commandConcurrency, or: Limits.concurrency),
            lease: lease, heartbeat: heartbeat ?? .zero,
            drain: try arguments.duration("drain") ?? Limits.drain)
        switch arguments.text("unknown") {
        case nil, "release": break
        case "fail": configuration.unknownType = .fail
        case let other?: throw Usage.noChoice("--unknown", other, of: ["release", "fail"])
        }
        return configuration
    }

    /// `mail`, or `mail=3`. A queue that has an equals sign in its name is given with its weight.
    private static func weightedQueue(_ text: String) throws -> (name: QueueName, weight: Int?) {
        let parts = text.split(separator: "=", omittingEmptySubsequences: false)
        let name = parts.count > 1 ? parts.dropLast().joined(separator: "=") : text
        if let problem = NameCheck.problem(name) { throw Usage("--queue: the name \(problem)") }
        if parts.count == 1 { return (QueueName(name), nil) }
        guard let weight = Int(parts[parts.count - 1]), (1...Limits.queueWeight).contains(weight) else {
            throw Usage(
                "--queue \(Output.printable(text)): the weight behind `=` must be a whole number from 1 to "
                    + "\(Limits.queueWeight)")
        }
        return (QueueName(name), weight)
    }

    /// As they were asked for: with weights where these differ, and with what stands between them where the order
    /// counts.
    private static func queues(_ configuration: WorkerConfiguration) -> String {
        let isEven = Set(configuration.weights.values).count < 2
        let names = configuration.queues.map { queue in
            isEven ? queue.text : "\(queue)=\(configuration.weights[queue] ?? 1)"
        }
        return names.joined(separator: configuration.isStrict ? ", then " : ", ")
    }
}
