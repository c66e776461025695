import Synchronization
import TallyAdmin
import TallyCommandLine
import TallyCore
import Tallystick

enum InspectCommand: Command {
    static let name = "inspect"
    static let summary = "one job: both halves and every transition"
    static let help = """
        tally inspect ID
        Payload and result are printed as they are where they are JSON; "payload_encoding" and "result_encoding" say
        json, text or base64. Of several Redis each that has a job of this id is named, and each that is away.
        "in_redis" is a status, absent, unknown where that Redis cannot be read, exit 1, or damaged where its record
        cannot be read; it is completed, failed or cancelled where the job has ended and the ledger does not have that
        yet: result, times and history come with it, unless its entries of the log are lost (ops/runbooks/D16.md).
        Where it has no row either, id, status and version are all that is told.
        "history" tells one life of the id after the other, by "life" from 1: in mode queued an id may be used again
        after its end, at the earliest a minute after the ledger has that, and on each of several Redis, which "shard"
        names. Then "life" beside the job says of which one queue, type and payload are, and "status_life" of which
        status, version, result and times are: the ledger's row keeps what was enqueued first.
        """
    static let words = 1...1
    static let exitCodes = ExitCodes(
        failed: .init(
            1, "failed, there is no such job, the Redis of its queue cannot be read, or a record is damaged")
    )

    static func run(_ arguments: Arguments) async throws {
        let id = try Common.jobID(arguments)
        try await Common.withTally(arguments, isReading: true) { tally in
            guard let report = try await tally.admin.inspect(id) else {
                Output.note("tally inspect: no job \(id)")
                throw Exit(code: 1)
            }
            if arguments.has("json") { Output.json(report.json) } else { show(report) }
            note(report)
            if !report.isWhole { throw Exit(code: 1) }
        }
    }

    private static func note(_ report: JobReport) {
        let whatNow =
            report.hasLedger
            ? "`tally reconcile` says what can be done" : "without a ledger nothing restores it"
        switch report.inQueue {
        case .ended where report.hasLedger:
            Output.note(
                "tally inspect: it has ended in Redis, and the ledger does not have that yet: "
                    + "`tally serve` brings it, unless its entries of the log are lost (ops/runbooks/D16.md)")
        case .ended:
            Output.note("tally inspect: it has ended, and without a ledger nothing else is known of it")
        case .damaged where !report.isSharded:
            Output.note("tally inspect: its record in Redis is damaged: \(whatNow)")
        case .absent, .held, .unknown, .damaged: break
        }
        for place in report.places where place.isDamaged {
            Output.note("tally inspect: its record on shard \(place.shard) is damaged: \(whatNow)")
        }
        for (shard, why) in report.unread {
            let redis = report.isSharded ? "the Redis of shard \(shard)" : "Redis"
            Output.note("tally inspect: \(redis) cannot be read: \(why)")
        }
    }

    private static func show(_ report: JobReport) {
        for (name, value) in report.known.sorted(by: { $0.key < $1.key }) {
            Output.line("\(name)  \(Output.printable(JobText.text(value), limit: Limits.shownCharacters))")
        }
        if let life = report.lifeText { Output.line("told of  \(life)") }
        Output.line("in Redis  \(report.inQueue.word)")
        for place in report.places {
            let (status, version) = (place.standing.status.rawValue, place.standing.version)
            let queue = place.job.map { ", queue " + Output.printable($0.record.queue.text) } ?? ""
            let damaged = place.isDamaged ? ", damaged" : ""
            Output.line("on shard \(place.shard)  \(status), version \(version)\(queue)\(damaged)")
        }
        if report.places.count > 1 {
            Output.line("one id, \(report.places.count) jobs: ops/runbooks/D38.md")
        }
        Output.line("in Postgres  \(report.inLedger?.rawValue ?? "absent")")
        if report.lives.isEmpty { show([]) }
        for (index, life) in report.lives.enumerated() {
            if report.lives.count > 1 {
                let shard = report.shard(of: life).map { ", on shard \($0)" } ?? ""
                Output.line("life \(index + 1) of \(report.lives.count)\(shard)")
            }
            show(life)
        }
    }

    private static func show(_ steps: [JobEvent]) {
        Output.table(
            ["AT", "EVENT", "FROM", "TO", "VERSION", "ACTOR", "ERROR"],
            steps.map {
                [
                    $0.at.description, $0.verb.rawValue, $0.from?.rawValue ?? "-", $0.to.rawValue,
                    "\($0.version)", Output.printable($0.actor ?? ""),
                    Output.printable($0.error ?? "", limit: Limits.cellCharacters),
                ]
            })
    }
}

enum ListCommand: Command {
    static let name = "list"
    static let summary = "jobs of the ledger, a page at a time"
    static let help = """
        tally list [--queue Q] [--status S] [--type T] [--limit 50] [--cursor C] [--newest]
                   [--older-than 2h] [--newer-than 7d] [--error TEXT]
          --status          scheduled pending processing retrying completed failed cancelled, or TaskHarbor's
                            ready inflight done dlq; default all
        """
    static let flags: Set<String> = BulkText.filters.union(["status", "limit", "cursor"])
    static let switches: Set<String> = ["newest"]
    static let values = ["status": JobStatus.words + ["all"]]

    static func run(_ arguments: Arguments) async throws {
        try await list(arguments, status: status(arguments.text("status")))
    }

    static func status(_ text: String?) throws -> JobStatus? {
        guard let text, text != "all" else { return nil }
        guard let status = JobStatus(word: text) else {
            throw Usage.noChoice("--status", text, of: JobStatus.words + ["all"])
        }
        return status
    }

    static func list(_ arguments: Arguments, status: JobStatus?) async throws {
        let filter = try BulkText.filter(arguments)
        let query = JobQuery(
            status: status,
            limit: try arguments.number("limit", in: 1...Limits.maxPage, or: Limits.page),
            cursor: arguments.text("cursor"), newestFirst: arguments.has("newest"))
        try await Common.withTally(arguments, isReading: true) { tally in
            let page: JobPage
            do {
                page = try await tally.admin.list(query, matching: filter)
            } catch let error as LedgerError where error.code == .invalid {
                throw Usage(error.detail)
            }
            if arguments.has("json") {
                Output.json(page.json)
            } else {
                let now = Timestamp.now
                Output.table(JobText.header, page.jobs.map { JobText.row($0, at: now) })
                if let next = page.next { Output.line("next page: --cursor \(next)") }
            }
        }
    }
}

enum StatsCommand: Command {
    static let name = "stats"
    static let summary = "counts by queue, the ledger's totals, and how the duties fare"
    static let help = """
        tally stats                 also says which duties have not succeeded for their limits
          --watch           looks again and again until a signal ends it: in place on a terminal, else line by
                            line; with --json an object a line
        \(Watch.help)
        """
    static let flags = Watch.flags
    static let switches: Set<String> = ["watch"]
    static let exitCodes = ExitCodes(
        failed: .init(1, "failed, a store could not be read, or a duty has not succeeded for its limit"))

    static func run(_ arguments: Arguments) async throws {
        if arguments.has("watch") { return try await watch(arguments) }
        try arguments.allow([], in: "stats without --watch")
        try await Common.withTally(arguments, isReading: true) { tally in
            let report = try await tally.admin.stats()
            if arguments.has("json") {
                Output.json(report.json)
            } else {
                for line in lines(report) { Output.line(line) }
            }
            for shard in report.away {
                let redis = shard.part.isWhole ? "Redis" : "the Redis of shard \(shard.part.shard)"
                let why = shard.away.map { ": \($0)" } ?? ""
                Output.note("tally stats: \(redis) cannot be read, and its queues are missing\(why)")
            }
            if let away = report.ledgerAway {
                Output.note("tally stats: Postgres cannot be read, and the rest of it is missing: \(away)")
            }
            try DutyText.check(report.silent)
            if !report.away.isEmpty || report.ledgerAway != nil { throw Exit(code: 1) }
        }
    }

    private static func watch(_ arguments: Arguments) async throws {
        let pictures = Pictures(arguments)
        try await Watch.run(arguments) { tally in
            let report = try await tally.admin.stats()
            pictures.show(report.json) { lines(report) }
            // What was away as this was opened is asked again once it is opened anew.
            if let away = report.away.first?.away { throw away }
            if let away = report.ledgerAway { throw away }
            return false
        }
    }

    private static func lines(_ report: StatsReport) -> [String] {
        var lines: [String] = []
        for shard in report.shards {
            let name = shard.part.isWhole ? "" : "shard \(shard.part.shard): "
            if let away = shard.away {
                let word = StatsReport.trouble(away.code)
                lines.append("\(name.isEmpty ? "Redis: " : name)\(word), its queues are missing here")
            }
            if let time = shard.history?.opensIn {
                lines.append(
                    "\(name)held, opens in \(Int(time.seconds.rounded(.up))) s; `tally serve` opens it at once"
                )
            }
        }
        let isSharded = report.map.count > 1
        lines += Output.tableLines(
            ["QUEUE", "PENDING", "WAITING", "DUE", "PROCESSING", "EXPIRED", "PAUSED"]
                + (isSharded ? ["SHARD"] : []),
            report.queues.map {
                [
                    Output.printable($0.queue.text), "\($0.pending)", "\($0.waiting)", "\($0.due)",
                    "\($0.processing)", "\($0.expired)", $0.isPaused ? "yes" : "",
                ] + (report.shard(of: $0.queue).map { ["\($0)"] } ?? [])
            })
        if let totals = report.totals {
            lines += totals.sorted { $0.key < $1.key }.map { "ledger \($0)  \($1)" }
            let age = report.lastFullAge.map { "\($0.short) ago" } ?? "never"
            lines.append("halves last compared in full  \(age)")
        }
        let isRead = report.ledgerAway == nil
        if !isRead { lines.append("Postgres: cannot be read, the rest of it is missing here") }
        if isRead, report.duties.isEmpty { lines.append("no duty has reported yet: `tally serve` runs them") }
        return lines + report.duties.map(DutyText.line)
    }
}

enum WorkersCommand: Command {
    static let name = "workers"
    static let summary = "workers that reported, what they run, when they were last seen"
    static let help = """
        tally workers
          --watch           looks again and again until a signal ends it: in place on a terminal, else line by
                            line; with --json a list a line
        \(Watch.help)
        A worker is lost that was silent for \(Limits.silence.components.seconds) s, by the clock of Redis and as far
        as the ledger knows it: what the mirror has not brought yet counts against nobody. UNKNOWN are the types of
        jobs that it was given and has no handler for, and how often. BUSY are its slots; DONE and FAILED are attempts
        since it started.
        With --json a list of objects, times in UTC: "id", "status", "last_seen", "started_at", "host", "pid",
        "concurrency", "queues", "types", "running" (the first \(Limits.runningTold)), "unknown"; and of a program of
        this version or a later one "version", "busy", "done", "failed", "weights", "progress", a list of "job",
        "fraction", "text" and "at", and where there is one "resident_bytes", "last_error" and "passed_over", which
        counts what of its report could not be read.
        """
    static let flags = Watch.flags
    static let switches: Set<String> = ["watch"]

    static func run(_ arguments: Arguments) async throws {
        if arguments.has("watch") {
            let pictures = Pictures(arguments)
            return try await Watch.run(arguments) { tally in
                let report = try await tally.admin.workers()
                pictures.show(report.json) { lines(report) }
                for (_, judged) in report.judged { if case .nobody(let why) = judged { throw why } }
                return false
            }
        }
        try arguments.allow([], in: "workers without --watch")
        try await Common.withTally(arguments, isReading: true) { tally in
            let report = try await tally.admin.workers()
            for (part, judged) in report.judged {
                let redis = part.isWhole ? "Redis" : "the Redis of shard \(part.shard)"
                switch judged {
                case .now: break
                case .behind(let time, let lag):
                    Output.note(
                        "tally workers: the ledger is \(Int(lag.seconds)) s behind \(redis); judged as of \(time)"
                    )
                case .nobody(let why):
                    Output.note(
                        "tally workers: \(redis) cannot be read, so nobody is called lost by it: \(why)")
                }
            }
            if arguments.has("json") {
                Output.json(report.json)
            } else {
                for line in lines(report) { Output.line(line) }
            }
        }
    }

    private static func lines(_ report: WorkersReport) -> [String] {
        let now = Timestamp.now
        let header = [
            "ID", "STATUS", "LAST SEEN", "BUSY", "DONE", "FAILED", "MEMORY", "PROCESS", "VERSION", "RUNNING",
            "QUEUES", "TYPES", "UNKNOWN", "LAST ERROR",
        ]
        return Output.tableLines(
            header,
            report.rows.map { row, status in
                [Output.printable(row.beat.id.text), status, row.lastSeen.age(at: now)] + load(row.beat)
                    + work(row.beat)
            })
    }

    /// What an older program does not tell stays empty.
    private static func load(_ beat: WorkerBeat) -> [String] {
        let vitals = beat.vitals
        return [
            "\(beat.busy)/\(beat.concurrency)", vitals.map { "\($0.done)" } ?? "",
            vitals.map { "\($0.failed)" } ?? "", vitals?.residentBytes.map { "\($0 >> 20) MiB" } ?? "",
            Output.printable("\(beat.host):\(beat.pid)"), Output.printable(vitals?.version ?? ""),
        ]
    }

    private static func work(_ beat: WorkerBeat) -> [String] {
        let weights = beat.vitals?.weights ?? [:]
        let queues = beat.queues.map { queue in
            // A weight of 1 says nothing.
            weights[queue.text].map { $0 == 1 ? queue.text : "\(queue)=\($0)" } ?? queue.text
        }
        return [
            beat.running.first.map {
                "\($0)" + (beat.running.count > 1 ? " +\(beat.running.count - 1)" : "")
            } ?? "",
            Output.printable(queues.joined(separator: " ")),
            Output.printable(beat.types.map(\.text).joined(separator: " ")),
            Output.printable((beat.unknown ?? [:]).map { "\($0):\($1)" }.sorted().joined(separator: " ")),
            Output.printable(beat.vitals?.lastError ?? "", limit: Limits.cellCharacters),
        ]
    }
}

/// What is shown again and again.
private final class Pictures: Sendable {
    private let isJSON: Bool
    private let hasShown = Mutex(false)

    init(_ arguments: Arguments) { isJSON = arguments.has("json") }

    func show(_ json: Any, _ lines: () -> [String]) {
        if isJSON { return Output.json(json) }
        let isFirst = hasShown.withLock { hasShown in
            defer { hasShown = true }
            return !hasShown
        }
        Output.picture(["as of \(Timestamp.now.toMilliseconds)"] + lines(), isFirst: isFirst)
    }
}
