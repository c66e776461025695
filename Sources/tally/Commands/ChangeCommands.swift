import TallyCommandLine
import Tallystick

enum CancelCommand: Command {
    static let name = "cancel"
    static let summary = "cancel a job: it never starts; a running one is told to stop"
    static let help = "tally cancel ID"
    static let words = 1...1
    static let exitCodes = ExitCodes(
        failed: .init(1, "failed, it has ended already, is unknown, or the outcome is uncertain"))

    static func run(_ arguments: Arguments) async throws {
        let id = try Common.jobID(arguments)
        try await Common.withTally(arguments) { tally in
            let (word, detail, code): (String, String, Int32)
            switch try await tally.cancel(id) {
            case .cancelled: (word, detail, code) = ("cancelled", "", 0)
            case .cancelling: (word, detail, code) = ("cancelling", "", 0)
            case .ended(let status): (word, detail, code) = ("ended", status.rawValue, 1)
            case .notFound: (word, detail, code) = ("not_found", "", 1)
            case .uncertain(let why): (word, detail, code) = ("uncertain", why, 1)
            }
            if arguments.has("json") {
                Output.json(["id": id.description, "outcome": word, "detail": detail])
            } else {
                Output.line(detail.isEmpty ? word : "\(word): \(detail)")
            }
            if code != 0 { throw Exit(code: code) }
        }
    }
}

enum DeadLetterCommand: Command {
    static let name = "dlq"
    static let summary = "the dead-letter set: failed jobs, and their requeue"
    static let help = """
        tally dlq list [--queue Q] [--type T] [--limit 50] [--cursor C] [--newest]
        tally dlq requeue ID [--queue Q] [--run-at TIME] [--reset-attempts] [--force]
          --queue Q         of a requeue: a guard; another queue's job is refused and nothing changes
          --force           also a job whose effect is committed: that is forgotten, and it runs again
        """
    static let flags: Set<String> = ["queue", "type", "limit", "cursor", "run-at"]
    static let switches: Set<String> = ["newest", "reset-attempts", "force"]
    static let words = 1...2
    static let exitCodes = ExitCodes(failed: .init(1, "failed, or the requeue was refused"))

    static func run(_ arguments: Arguments) async throws {
        switch arguments.rest.first {
        case "list" where arguments.rest.count == 1:
            try arguments.allow(["queue", "type", "limit", "cursor", "newest"], in: "dlq list")
            try await ListCommand.list(arguments, status: .failed)
        case "requeue" where arguments.rest.count == 2:
            try arguments.allow(["queue", "run-at", "reset-attempts", "force"], in: "dlq requeue")
            guard let id = JobID(arguments.rest[1]) else {
                throw Usage("\(Output.printable(arguments.rest[1])) is not a job id (a UUID)")
            }
            try await requeue(id, arguments)
        default: throw Usage("say `dlq list` or `dlq requeue ID`")
        }
    }

    private static func requeue(_ id: JobID, _ arguments: Arguments) async throws {
        let runAt = try arguments.time("run-at")
        try await Common.withTally(arguments) { tally in
            let ledger = try Common.ledger(tally)
            guard let job = try await ledger.inspection.jobs([id])[id] else {
                return try refuse("no job \(id)")
            }
            if let guardQueue = arguments.text("queue"), guardQueue != job.record.queue.text {
                return try refuse("job \(id) is in queue \(job.record.queue), not \(guardQueue)")
            }
            if job.status != .failed { return try refuse("job \(id) is \(job.status.rawValue), not failed") }
            let answer = try await ledger.control.requeue(
                id, seen: job.version, runAt: runAt, resetAttempts: arguments.has("reset-attempts"),
                actor: "tally dlq requeue", despiteEffect: arguments.has("force"))
            if answer == .effectCommitted {
                return try refuse(
                    "job \(id) has its effect committed: the work is done, and running it again may do it twice; "
                        + "--force forgets the effect and runs it")
            }
            guard case .requeued(let version) = answer else {
                return try refuse("job \(id) has moved on; look again")
            }
            // The relay takes it from here; this pass spares the second that it would wait.
            _ = try? await Relay(queue: tally.queue, ledger: ledger).step(olderThan: .zero)
            if arguments.has("json") {
                Output.json(["id": id.description, "version": version] as [String: Any])
            } else {
                Output.line("requeued \(id) at version \(version)")
            }
        }
    }

    private static func refuse(_ why: String) throws {
        Output.note("tally dlq: \(why)")
        throw Exit(code: 1)
    }
}
