import TallyCommandLine
import Tallystick

enum InspectCommand: Command {
    static let name = "inspect"
    static let summary = "one job: both halves and every transition"
    static let help = """
        tally inspect ID
        Payload and result are printed as they are where they are JSON; "payload_encoding" and "result_encoding" say
        json, text or base64.
        """
    static let words = 1...1
    static let exitCodes = ExitCodes(failed: .init(1, "failed, or there is no such job"))

    static func run(_ arguments: Arguments) async throws {
        let id = try Common.jobID(arguments)
        try await Common.withTally(arguments, isReading: true) { tally in
            let view = try await tally.inspectable().inspect([id])
            let recorded = try await tally.ledger?.inspection.jobs([id])[id]
            let events = try await tally.ledger?.inspection.events(id) ?? []
            guard let job = view.held[id] ?? recorded else {
                Output.note("tally inspect: no job \(id)")
                throw Exit(code: 1)
            }
            var merged = job
            if let recorded {
                merged.workerID = recorded.workerID
                merged.startedAt = recorded.startedAt
                if view.held[id] == nil { merged = recorded }
            }
            if arguments.has("json") {
                var fields = JobText.json(merged, withBody: true)
                fields["in_redis"] = view.held[id]?.status.rawValue ?? "absent"
                fields["in_postgres"] = recorded?.status.rawValue ?? "absent"
                fields["history"] = events.map(json)
                Output.json(fields)
            } else {
                for (name, value) in JobText.json(merged, withBody: true).sorted(by: { $0.key < $1.key }) {
                    Output.line("\(name)  \(Output.printable(JobText.text(value), limit: 2000))")
                }
                Output.line("in Redis  \(view.held[id]?.status.rawValue ?? "absent")")
                Output.line("in Postgres  \(recorded?.status.rawValue ?? "absent")")
                Output.table(
                    ["AT", "EVENT", "FROM", "TO", "VERSION", "ACTOR", "ERROR"],
                    events.map {
                        [
                            $0.at.description, $0.verb.rawValue, $0.from?.rawValue ?? "-", $0.to.rawValue,
                            "\($0.version)",
                            Output.printable($0.actor ?? ""), Output.printable($0.error ?? "", limit: 60),
                        ]
                    })
            }
        }
    }

    private static func json(_ event: JobEvent) -> [String: Any] {
        [
            "at": event.at.description, "event": event.verb.rawValue, "from": event.from?.rawValue ?? "",
            "to": event.to.rawValue, "version": event.version, "actor": event.actor ?? "",
            "error": event.error ?? "",
        ]
    }
}

enum ListCommand: Command {
    static let name = "list"
    static let summary = "jobs of the ledger, a page at a time"
    static let help = """
        tally list [--queue Q] [--status S] [--type T] [--limit 50] [--cursor C] [--newest]
          --status          scheduled pending processing retrying completed failed cancelled, or TaskHarbor's
                            ready inflight done dlq; default all
        """
    static let flags: Set<String> = ["queue", "status", "type", "limit", "cursor"]
    static let switches: Set<String> = ["newest"]

    static func run(_ arguments: Arguments) async throws {
        try await list(arguments, status: status(arguments.text("status")))
    }

    static func status(_ text: String?) throws -> JobStatus? {
        switch text {
        case nil, "all": return nil
        case "ready": return .pending
        case "inflight": return .processing
        case "done": return .completed
        case "dlq": return .failed
        case let text?:
            guard let status = JobStatus(rawValue: text) else {
                throw Usage("--status \(text): no such status")
            }
            return status
        }
    }

    static func list(_ arguments: Arguments, status: JobStatus?) async throws {
        let query = JobQuery(
            queue: arguments.text("queue").map { QueueName($0) }, status: status,
            type: arguments.text("type").map { JobType($0) },
            limit: try arguments.number("limit", in: 1...Limits.maxPage, or: Limits.page),
            cursor: arguments.text("cursor"), newestFirst: arguments.has("newest"))
        try await Common.withTally(arguments, isReading: true) { tally in
            let page: JobPage
            do {
                page = try await Common.ledger(tally).inspection.list(query)
            } catch let error as LedgerError where error.code == .invalid {
                throw Usage(error.detail)
            }
            if arguments.has("json") {
                Output.json(
                    [
                        "jobs": page.jobs.map { JobText.json($0, withBody: false) },
                        "next_cursor": page.next ?? "",
                    ]
                        as [String: Any])
            } else {
                Output.table(JobText.header, page.jobs.map(JobText.row))
                if let next = page.next { Output.line("next page: --cursor \(next)") }
            }
        }
    }
}

enum StatsCommand: Command {
    static let name = "stats"
    static let summary = "counts by queue, the ledger's totals, and how the duties fare"
    static let help = "tally stats                 also says which duties have not succeeded for their limits"
    static let exitCodes = ExitCodes(
        failed: .init(1, "failed, or a duty has not succeeded for its limit"))

    static func run(_ arguments: Arguments) async throws {
        try await Common.withTally(arguments, isReading: true) { tally in
            let counts = try await tally.inspectable().counts()
            let history = try await tally.queue.transitions.history()
            let balances = try await tally.ledger?.inspection.balances()
            let compared = try await tally.ledger?.repair?.lastFullRun()
            let register = tally.ledger?.duties ?? tally.queue.duties
            let duties = try await register?.duties() ?? []
            if arguments.has("json") {
                var fields: [String: Any] = [
                    "duties": duties.map(DutyText.json),
                    "queues": counts.map {
                        [
                            "queue": $0.queue.text, "pending": $0.pending, "waiting": $0.waiting,
                            "due": $0.due,
                            "processing": $0.processing, "expired": $0.expired, "paused": $0.isPaused,
                        ] as [String: Any]
                    }, "epoch": Int(history.epoch), "held": history.isHeld, "log_entries": history.logLength,
                ]
                if let time = history.opensIn { fields["opens_in_s"] = Int(time.seconds.rounded(.up)) }
                if let balances { fields["ledger"] = json(balances) }
                if let compared { fields["last_full_comparison"] = compared.description }
                Output.json(fields)
            } else {
                if let time = history.opensIn {
                    Output.line(
                        "held, opens in \(Int(time.seconds.rounded(.up))) s; `tally serve` opens it at once")
                }
                Output.table(
                    ["QUEUE", "PENDING", "WAITING", "DUE", "PROCESSING", "EXPIRED", "PAUSED"],
                    counts.map {
                        [
                            Output.printable($0.queue.text), "\($0.pending)", "\($0.waiting)", "\($0.due)",
                            "\($0.processing)", "\($0.expired)", $0.isPaused ? "yes" : "",
                        ]
                    })
                if let balances {
                    for (name, value) in json(balances).sorted(by: { $0.key < $1.key }) {
                        Output.line("ledger \(name)  \(value)")
                    }
                    let age = compared.map { "\((Timestamp.now - $0).components.seconds) s ago" } ?? "never"
                    Output.line("halves last compared in full  \(age)")
                }
                if duties.isEmpty { Output.line("no duty has reported yet: `tally serve` runs them") }
                for duty in duties { Output.line(DutyText.line(duty)) }
            }
            try DutyText.check(duties)
        }
    }

    private static func json(_ balances: Balances) -> [String: Int] {
        [
            "accepted": balances.accepted, "completed": balances.completed, "failed": balances.failed,
            "cancelled": balances.cancelled, "active": balances.active, "purged": balances.purged,
            "quarantined": balances.quarantined, "outbox": balances.outbox,
            "outbox_age_seconds": Int(balances.outboxAge.components.seconds),
        ]
    }
}

enum WorkersCommand: Command {
    static let name = "workers"
    static let summary = "workers that reported, what they run, when they were last seen"
    static let help = """
        tally workers
        A worker is lost that was silent for \(Limits.silence.components.seconds) s, by the clock of Redis and as far
        as the ledger knows it: what the mirror has not brought yet counts against nobody.
        """

    static func run(_ arguments: Arguments) async throws {
        try await Common.withTally(arguments, isReading: true) { tally in
            let ledger = try Common.ledger(tally)
            let known = try await Self.known(tally.queue, ledger)
            let rows = try await ledger.inspection.workers().map { row in
                (row, known.map { row.isLost(asOf: $0) } == true ? "lost" : row.beat.status.rawValue)
            }
            if arguments.has("json") {
                Output.json(
                    rows.map { row, status in
                        [
                            "id": row.beat.id.text, "status": status, "last_seen": row.lastSeen.description,
                            "queues": row.beat.queues.map(\.text), "types": row.beat.types.map(\.text),
                            "running": row.beat.running.map(\.description),
                            "concurrency": row.beat.concurrency,
                            "host": row.beat.host, "pid": Int(row.beat.pid),
                        ] as [String: Any]
                    })
            } else {
                Output.table(
                    ["ID", "STATUS", "LAST SEEN", "RUNNING", "QUEUES", "TYPES"],
                    rows.map { row, status in
                        [
                            Output.printable(row.beat.id.text), status, row.lastSeen.description,
                            row.beat.running.first.map {
                                "\($0)"
                                    + (row.beat.running.count > 1 ? " +\(row.beat.running.count - 1)" : "")
                            } ?? "",
                            Output.printable(row.beat.queues.map(\.text).joined(separator: " ")),
                            Output.printable(row.beat.types.map(\.text).joined(separator: " ")),
                        ]
                    })
            }
        }
    }

    /// Up to when the ledger knows all that was said: now, or the moment of the first log entry that it lacks. Read
    /// before the rows, so that these are never older. nil while Redis is away: then nobody is judged.
    private static func known(
        _ queue: QueueStore, _ ledger: LedgerStore
    ) async throws -> Timestamp? {
        let cursor = try await ledger.mirror.cursor()
        do throws(QueueError) {
            let now = try await queue.transitions.history().now
            guard let next = try await queue.transitions.log(after: cursor, limit: 1).first else {
                return now
            }
            Output.note(
                "tally workers: the ledger is \(max(0, Int((now - next.at).seconds))) s behind Redis; judged as of "
                    + "\(next.at)")
            return next.at
        } catch {
            guard error.mayRetry else { throw error }
            Output.note("tally workers: Redis is away, so nobody is called lost: \(error)")
            return nil
        }
    }
}
