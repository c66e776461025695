import TallyAdmin
import TallyCommandLine
import TallyCore
import Tallystick

enum CancelCommand: Command {
    static let name = "cancel"
    static let summary = "cancel a job: it never starts; a running one is told to stop"
    static let help = """
        tally cancel ID
        A running job hears of it at its worker's next heartbeat, after a third of its lease at most: it may end
        first. Of several Redis each that has the id is asked, and more than one is named; where one is away or has
        not answered the others are told all the same, and "unread_shards" and "unanswered_shards" name it. May be
        repeated.
        """
    static let words = 1...1
    static let exitCodes = ExitCodes(
        done: "cancelled, now or before, or told to stop",
        failed: .init(
            1,
            "failed, it has ended otherwise, is unknown, the outcome is uncertain, or a Redis has not said whether "
                + "it has the id too"))

    static func run(_ arguments: Arguments) async throws {
        let id = try Common.jobID(arguments)
        try await Common.withTally(arguments) { tally in
            let report = try await tally.admin.cancel(id)
            if arguments.has("json") {
                Output.json(report.json(id))
            } else {
                Output.line(report.outcome.text)
                // One id may be a job on each of several shards.
                if report.shards.count > 1 || !report.outcome.isDone {
                    for (shard, outcome) in report.shards { Output.line("shard \(shard): \(outcome.text)") }
                }
            }
            for shard in report.unread {
                Output.note(
                    "tally cancel: shard \(shard) could not be asked: a job of this id there, if any, goes on"
                )
            }
            for shard in report.unanswered {
                Output.note(
                    "tally cancel: shard \(shard) has not answered: a job of this id there, if any, may be "
                        + "cancelled; ask again")
            }
            if !report.outcome.isDone || !report.isWhole { throw Exit(code: 1) }
        }
    }
}

enum DeadLetterCommand: Command {
    static let name = "dlq"
    static let summary = "the dead-letter set: failed jobs, their requeue and purge"
    static let help = """
        tally dlq list [--queue Q] [filters] [--limit 50] [--cursor C] [--newest]
        tally dlq requeue ID [--queue Q] [--run-at TIME] [--reset-attempts] [--force]
          --queue Q         of one job: a guard; another queue's job is refused and nothing changes
          --force           also a job whose effect is committed: that is forgotten, and it runs again
        tally dlq requeue [--queue Q] [filters] [--run-at TIME] [--reset-attempts] [--force] [--go]
                            all that match, the oldest first; give a filter, or --all
        tally dlq purge [--queue Q] [filters] [--go]
                            deletes all that match, once they are \(Limits.purgeAge.short) old; their history stays
        \(BulkText.help)
        A TIME is \(Usage.timeForms);
        an age, as --older-than and --newer-than take it, is a length of time such as 90s, 2h or 7d.
        With --json, of many: {"dry_run","before","after","matched","changed","uncertain","refused","more","kinds"},
        and "stopped" where it ended early; "after" is left out where it could not be asked any more. A dead letter
        whose row somebody's open transaction holds is passed over, and named under "locked".
        """
    static let flags: Set<String> = BulkText.filters.union(BulkText.flags).union(["cursor", "run-at"])
    static let switches: Set<String> = ["newest", "reset-attempts", "force", "go", "all"]
    static let subcommands = [["list"], ["requeue"], ["purge"]]
    static let words = 1...2
    static let exitCodes = ExitCodes(
        failed: .init(1, "failed, the requeue was refused, or some that matched were left as they are"),
        others: [ExitCodes.interrupted])

    static func run(_ arguments: Arguments) async throws {
        switch arguments.rest.first {
        case "list" where arguments.rest.count == 1:
            try arguments.allow(BulkText.filters.union(["limit", "cursor", "newest"]), in: "dlq list")
            try await ListCommand.list(arguments, status: .failed)
        case "requeue" where arguments.rest.count == 1: try await requeueAll(arguments)
        case "requeue" where arguments.rest.count == 2:
            try arguments.allow(["queue", "run-at", "reset-attempts", "force"], in: "dlq requeue")
            guard let id = JobID(arguments.rest[1]) else {
                throw Usage("\(Output.printable(arguments.rest[1])) is not a job id (a UUID)")
            }
            try await requeue(id, arguments)
        case "purge" where arguments.rest.count == 1: try await purge(arguments)
        default: throw Usage("say `dlq list`, `dlq requeue ID`, or `dlq requeue` or `dlq purge` with filters")
        }
    }

    private static func wish(_ id: JobID, _ arguments: Arguments) throws -> RequeueWish {
        var wish = RequeueWish(id, actor: "tally dlq requeue")
        wish.queue = try arguments.name("queue")
        wish.runAt = try arguments.time("run-at")
        if let problem = TimeText.runAt(wish.runAt, from: .now) { throw Usage("--run-at: \(problem)") }
        wish.resetsAttempts = arguments.has("reset-attempts")
        wish.despiteEffect = arguments.has("force")
        return wish
    }

    /// What matches; nothing stands for everything, so that no forgotten flag does.
    private static func meant(_ arguments: Arguments) throws -> JobFilter {
        let isFiltered = BulkText.filters.contains { arguments.text($0) != nil }
        if isFiltered == arguments.has("all") {
            throw Usage("say which jobs: a filter such as --type T or --older-than 7d, or --all")
        }
        return try BulkText.filter(arguments)
    }

    private static func requeueAll(_ arguments: Arguments) async throws {
        let allowed = BulkText.filters.union(BulkText.flags)
            .union(["run-at", "reset-attempts", "force", "go", "all"])
        try arguments.allow(allowed, in: "dlq requeue")
        let filter = try meant(arguments)
        let options = try BulkText.options(arguments, "requeued")
        let wish = try wish(.zero, arguments)
        try await Common.withTally(arguments, isReading: !options.goes) { tally in
            let report = try await tally.admin.requeueAll(matching: filter, wish, options)
            BulkText.show(report, arguments, verb: "requeued", noun: "dead letters")
            let isWhole = report.refused.isEmpty && report.uncertain == 0
            try BulkText.end(report.course, isWhole: isWhole, "dlq requeue")
        }
    }

    private static func purge(_ arguments: Arguments) async throws {
        try arguments.allow(BulkText.filters.union(BulkText.flags).union(["go", "all"]), in: "dlq purge")
        let filter = try meant(arguments)
        let options = try BulkText.options(arguments, "purged")
        try await Common.withTally(arguments, isReading: !options.goes) { tally in
            let report = try await tally.admin.purgeDeadLetters(
                matching: filter, options, actor: "tally dlq purge")
            // What the mirror keeps changes of is not over, and is purged no more than what is held.
            BulkText.show(
                report, arguments, verb: "purged", noun: "dead letters",
                locked: BulkText.locked + ", or the mirror has changes of it that wait")
            let isWhole = report.refused.isEmpty && report.uncertain == 0
            try BulkText.end(report.course, isWhole: isWhole || !options.goes, "dlq purge")
        }
    }

    private static func requeue(_ id: JobID, _ arguments: Arguments) async throws {
        let wish = try wish(id, arguments)
        try await Common.withTally(arguments) { tally in
            let outcome: RequeueOutcome
            do {
                outcome = try await tally.admin.requeue(wish)
            } catch let error as LedgerError where error.isRowHeld {
                Output.note("tally dlq: job \(id) is left as it is: \(error.told)")
                throw Exit(code: 1)
            }
            switch outcome {
            case .requeued(let version):
                if arguments.has("json") {
                    Output.json(["id": id.description, "version": version] as [String: Any])
                } else {
                    Output.line("requeued \(id) at version \(version)")
                }
            case .refused(let why):
                let way = why == .effectCommitted ? "; --force forgets the effect and runs it" : ""
                Output.note("tally dlq: \(why.text(id))\(way)")
                throw Exit(code: 1)
            }
        }
    }
}

enum PauseCommand: Command {
    static let name = "pause"
    static let summary = "hand out no jobs of a queue, or of a type, until `resume`"
    static let help = """
        tally pause QUEUE           jobs that run go on, and what is enqueued waits
        tally pause --type T        of this type alone, whichever queue its jobs wait in: what else waits there is
                                    handed out. At most \(Limits.pausedTypes) types at a time. Older workers
                                    and an older `tally serve` take no notice of it: workers that run are named
                                    on standard error, and of all `tally serve` the one that reported last where
                                    it is an older one. An older one beside a newer one may stay unseen
        With --json {"queue","paused"} or {"type","paused"}.
        """
    static let flags: Set<String> = ["type"]
    static let words = 0...1

    static func run(_ arguments: Arguments) async throws {
        try await pauseEither(arguments.rest.first, arguments, true)
    }

    /// Pauses the queue, or the type, or lets it go on.
    static func pauseEither(_ queue: String?, _ arguments: Arguments, _ isPaused: Bool) async throws {
        let what = try await pausedEither(queue, arguments, isPaused)
        if arguments.has("json") {
            Output.json([what.name: what.value, "paused": isPaused] as [String: Any])
        }
    }

    private static func pausedEither(
        _ queue: String?, _ arguments: Arguments, _ isPaused: Bool
    ) async throws -> (name: String, value: String) {
        guard let type = try arguments.name("type") else {
            try await pause(queue, arguments, isPaused)
            return ("queue", queue ?? "")
        }
        if queue != nil { throw Usage("give a queue or --type, not both: a type is paused in every queue") }
        try await Common.withTally(arguments) { tally in
            try await tally.admin.pauseType(JobType(type), isPaused)
            await note(JobType(type), isPaused, tally)
        }
        return ("type", type)
    }

    /// It is done, and so the exit code is 0: what keeps it from holding, or tells of a slip, is said beside it.
    private static func note(_ type: JobType, _ isPaused: Bool, _ tally: Tally) async {
        let done = "tally: type \(Output.printable(type.text)) \(isPaused ? "is paused" : "goes on")"
        do {
            let notice = try await tally.admin.pausedTypeNotice(type)
            if notice.isUnknown {
                Output.note("\(done); no job or worker of that type is known: is its name right?")
            }
            if isPaused, !notice.older.isEmpty {
                let names = OlderPrograms.names(notice.older)
                Output.note(
                    "\(done), but older programs take no notice of it: \(names); \(PausedTypeNotice.harm): "
                        + PausedTypeNotice.mend)
            }
        } catch {
            Output.note("\(done); whether older programs run, which take no notice, was not told: \(error)")
        }
    }

    static func pause(_ name: String?, _ arguments: Arguments, _ isPaused: Bool) async throws {
        guard let name else { throw Usage("give one queue, or --type and a type") }
        if let problem = NameCheck.problem(name) { throw Usage("the queue's name \(problem)") }
        try await Common.withTally(arguments) { tally in
            if try await tally.admin.pause(QueueName(name), isPaused) { return }
            let word = isPaused ? "is paused" : "goes on"
            Output.note("tally: queue \(Output.printable(name)) \(word); it holds no job: is its name right?")
        }
    }
}

enum ResumeCommand: Command {
    static let name = "resume"
    static let summary = "hand out the jobs of a paused queue or type again"
    static let help = """
        tally resume QUEUE
        tally resume --type T       what has waited goes first
        With --json {"queue","paused"} or {"type","paused"}.
        """
    static let flags: Set<String> = ["type"]
    static let words = 0...1

    static func run(_ arguments: Arguments) async throws {
        try await PauseCommand.pauseEither(arguments.rest.first, arguments, false)
    }
}
