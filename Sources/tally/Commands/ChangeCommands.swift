import Tallystick

enum CancelCommand: Command {
    static let name = "cancel"
    static let summary = "cancel a job: it never starts; a running one is told to stop"
    static let help =
        "tally cancel ID\n\nExit 1 when it has ended already, is unknown, or the outcome is uncertain."

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
        tally dlq list [--queue Q] [--type T] [--limit 50] [--cursor C]
        tally dlq requeue ID [--queue Q] [--run-at TIME] [--reset-attempts]
          --queue Q         of a requeue: a guard; another queue's job is refused and nothing changes
        """
    static let flags: Set<String> = ["queue", "type", "limit", "cursor", "run-at"]
    static let switches: Set<String> = ["newest", "reset-attempts"]

    static func run(_ arguments: Arguments) async throws {
        switch arguments.rest.first {
        case "list" where arguments.rest.count == 1: try await ListCommand.list(arguments, status: .failed)
        case "requeue" where arguments.rest.count == 2:
            guard let id = JobID(arguments.rest[1]) else {
                throw Usage("\(arguments.rest[1]) is not a job id")
            }
            try await requeue(id, arguments)
        default: throw Usage("say `dlq list` or `dlq requeue ID`")
        }
    }

    private static func requeue(_ id: JobID, _ arguments: Arguments) async throws {
        let runAt = try arguments.time("run-at")
        try await Common.withTally(arguments) { tally in
            let ledger = try Common.ledger(tally)
            guard let job = try await ledger.jobs([id])[id] else { return try refuse("no job \(id)") }
            if let guardQueue = arguments.text("queue"), guardQueue != job.record.queue.text {
                return try refuse("job \(id) is in queue \(job.record.queue), not \(guardQueue)")
            }
            if job.status != .failed { return try refuse("job \(id) is \(job.status.rawValue), not failed") }
            let answer = try await ledger.requeue(
                id, seen: job.version, runAt: runAt, resetAttempts: arguments.has("reset-attempts"),
                actor: "tally dlq requeue")
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

enum ReconcileCommand: Command {
    static let name = "reconcile"
    static let summary = "lay the halves together; says what differs"
    static let help = """
        tally reconcile             a dry run: changes nothing
          --repair                  mends what can be mended, each by compare-and-set and as an event
          --max-repairs N           stops beyond so many (default 1000)
        Exit codes: 0 clean, 1 repaired, 4 drift left, 8 could not complete or inconclusive, 16 usage.
        """
    static let flags: Set<String> = ["max-repairs"]
    static let switches: Set<String> = ["repair"]

    static func run(_ arguments: Arguments) async throws {
        let most = try arguments.number("max-repairs", in: 0...1_000_000, or: 1000)
        let code = try await Common.withTally(arguments) { tally in
            let ledger = try Common.ledger(tally)
            let reconciler = Reconciler(
                queue: try tally.inspectable(), ledger: ledger,
                mirror: Mirror(queue: tally.queue, ledger: ledger),
                maxRepairs: most)
            let (run, statement) = try await reconciler.run(arguments.has("repair") ? .repair : .dry)
            show(run, statement, isJSON: arguments.has("json"))
            return run.exitCode == 0 && !statement.holds ? 4 : run.exitCode
        }
        if code != 0 { throw Exit(code: Int32(code)) }
    }

    private static func show(_ run: ReconcileRun, _ statement: Statement, isJSON: Bool) {
        if isJSON {
            Output.json(
                [
                    "run": run.id.description, "mode": run.mode, "scanned_redis": run.scannedQueue,
                    "scanned_ledger": run.scannedLedger, "inconclusive": run.inconclusive,
                    "drift": statement.drift,
                    "findings": run.findings.map {
                        [
                            "code": $0.code, "job": $0.job?.description ?? "", "redis": $0.queueView,
                            "ledger": $0.ledgerView, "outcome": $0.outcome,
                        ]
                    },
                    "statement": [
                        "accepted": statement.accepted, "completed": statement.completed,
                        "failed": statement.failed,
                        "cancelled": statement.cancelled, "active": statement.active,
                        "drift": statement.drift,
                    ], "holds": statement.holds,
                ] as [String: Any])
            return
        }
        if !run.findings.isEmpty {
            Output.table(
                ["CODE", "JOB", "REDIS", "LEDGER", "OUTCOME"],
                run.findings.map {
                    [$0.code, $0.job?.description ?? "", $0.queueView, $0.ledgerView, $0.outcome]
                })
        }
        if run.inconclusive > 0 {
            Output.line("inconclusive: \(run.inconclusive) jobs; the mirror did not catch up in time")
        }
        Output.line(statement.description)
    }
}
