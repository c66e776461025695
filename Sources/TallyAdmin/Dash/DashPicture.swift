import TallyCore

/// A dashboard as lines of text: a pure function of what was read, what is looked at, and how large the terminal is.
package struct DashPicture: Hashable, Sendable {
    /// One line of it.
    package struct Line: Hashable, Sendable {
        /// How a line is meant.
        package enum Tone: Hashable, Sendable {
            /// As it should be; soon it will not be; it is not.
            case plain, worry, bad
        }
        /// No wider than the terminal, and nothing in it can draw on that.
        package let text: String
        /// How it is meant.
        package let tone: Tone

        init(_ text: String, _ tone: Tone = .plain) {
            self.text = text
            self.tone = tone
        }
    }
    /// From the top, no more than there are rows.
    package let lines: [Line]
    /// What is looked at, no further down than there is something to see.
    package let view: DashView
    /// How many rows of a panel are shown at once.
    package let page: Int

    /// - Parameter report: nil = nothing has been read yet.
    /// - Parameter old: the one before, for the rates.
    /// - Parameter trouble: why nothing newer could be read.
    package init(
        _ report: DashReport?, after old: DashReport?, trouble: String?, view: DashView, columns: Int,
        rows: Int
    ) {
        var head = [Line(Self.title(report))]
        // What could not be read is said as long as it is so, and once.
        var troubles = report?.troubles ?? []
        if let trouble { troubles = [trouble] + troubles.filter { !$0.hasSuffix(trouble) } }
        head += troubles.map { Line(Printable.text($0, limit: max(1, columns)), .bad) }
        if let report { head += Self.summary(report, after: old) }
        head.append(Line(Self.tabs(view.panel)))
        let foot = Line("q quits   left, right or tab: another panel   up, down: its rows")
        var body: [Line] = []
        if let report {
            var panel = Self.panel(view.panel, report)
            // The head of a table stays where it is.
            if let header = panel.header { head.append(Line(header)) }
            if panel.rows.isEmpty { panel.rows = [Self.nothing(in: view.panel, report)] }
            body = panel.rows
        }
        page = max(0, rows - head.count - 1)
        var view = view
        view.first = max(0, min(view.first, body.count - page))
        self.view = view
        let shown = Array(body.dropFirst(view.first).prefix(page))
        let gap = Array(repeating: Line(""), count: max(0, page - shown.count))
        let all = head + shown + gap + [foot]
        lines = all.prefix(max(0, rows)).map { Line(TextColumns.cut($0.text, to: columns), $0.tone) }
    }

    // MARK: The head

    private static func title(_ report: DashReport?) -> String {
        report.map { "tally dash   as of \($0.at.toMilliseconds)" } ?? "tally dash   reads both halves"
    }

    private static func summary(_ report: DashReport, after old: DashReport?) -> [Line] {
        let stats = report.stats
        // What was not read is no zero.
        let (isPart, isNone) = (!stats.away.isEmpty, stats.away.count == stats.shards.count)
        func sum(_ count: (QueueCounts) -> Int) -> String {
            let all = stats.queues.reduce(0) { $0 + count($1) }
            return !isPart ? "\(all)" : isNone ? "?" : "\(all)+"
        }
        var jobs =
            "pending \(sum(\.pending))   waiting \(sum { $0.waiting + $0.due })   "
            + "processing \(sum(\.processing))"
        if let balances = report.stats.balances {
            jobs += "   dead letters \(balances.failed)   outbox \(balances.outbox)"
        } else if report.ledgerAway != nil {
            jobs += "   dead letters ?   outbox ?"
        }
        var lines = [Line(jobs)]
        if let old, let rates = DashRates(from: old, to: report) {
            lines.append(
                Line(
                    "a second: \(shown(rates.accepted)) accepted   \(shown(rates.completed)) completed   "
                        + "\(shown(rates.failed)) failed", rates.failed > rates.completed ? .worry : .plain))
        } else {
            let isUncounted = report.stats.balances == nil && report.ledgerAway == nil
            let why = isUncounted ? "no ledger counts them" : "not known yet"
            lines.append(Line("a second: \(why)"))
        }
        return lines
    }

    /// With one place behind the point where it is small.
    private static func shown(_ rate: Double) -> String {
        let tenths = Int((rate * 10).rounded())
        return rate < 10 ? "\(tenths / 10).\(tenths % 10)" : "\(Int(rate.rounded()))"
    }

    private static func tabs(_ chosen: DashView.Panel) -> String {
        DashView.Panel.allCases.map { $0 == chosen ? "[\($0.rawValue)]" : " \($0.rawValue) " }
            .joined(separator: " ")
    }

    // MARK: The panels

    private static func panel(
        _ panel: DashView.Panel, _ report: DashReport
    ) -> (header: String?, rows: [Line]) {
        switch panel {
        case .queues: queues(report.stats)
        case .workers: workers(report)
        case .failures: failures(report)
        case .drift: (nil, drift(report))
        }
    }

    /// Where a panel has no rows: there are none, or they could not be read.
    private static func nothing(in panel: DashView.Panel, _ report: DashReport) -> Line {
        let isUnread = panel == .queues ? !report.stats.away.isEmpty : report.ledgerAway != nil
        return isUnread ? Line("not known: it was not read", .bad) : Line("nothing to show")
    }

    private static func queues(_ stats: StatsReport) -> (header: String?, rows: [Line]) {
        table(
            ["QUEUE", "PENDING", "WAITING", "DUE", "PROCESSING", "EXPIRED", "PAUSED"],
            stats.queues.map {
                [
                    clean($0.queue.text), "\($0.pending)", "\($0.waiting)", "\($0.due)", "\($0.processing)",
                    "\($0.expired)", $0.isPaused ? "yes" : "",
                ]
            }, stats.queues.map { $0.expired > 0 || $0.isPaused ? .worry : .plain })
    }

    private static func workers(_ report: DashReport) -> (header: String?, rows: [Line]) {
        if report.ledgerAway != nil { return (nil, []) }
        guard let workers = report.workers else { return (nil, [Line("no ledger keeps them")]) }
        return table(
            ["ID", "STATUS", "LAST SEEN", "RUNNING", "QUEUES"],
            workers.rows.map { row, status in
                [
                    clean(row.beat.id.text), status, row.lastSeen.age(at: report.at),
                    "\(row.beat.busy)/\(row.beat.concurrency)",
                    clean(row.beat.queues.map(\.text).joined(separator: " ")),
                ]
            }, workers.rows.map { $0.status == "lost" ? .bad : .plain })
    }

    private static func failures(_ report: DashReport) -> (header: String?, rows: [Line]) {
        table(
            ["ID", "QUEUE", "TYPE", "FAILED", "ERROR"],
            report.failures.map { job in
                [
                    job.record.id.description, clean(job.record.queue.text), clean(job.record.type.text),
                    job.failedAt?.age(at: report.at) ?? "",
                    Printable.text(job.error ?? "", limit: Limits.cellCharacters),
                ]
            }, report.failures.map { _ in .plain })
    }

    private static func drift(_ report: DashReport) -> [Line] {
        var lines = report.stats.shards.compactMap { shard -> Line? in
            let name = shard.part.name("redis")
            if let away = shard.away { return Line("\(name) \(StatsReport.trouble(away.code))", .bad) }
            guard let time = shard.history?.opensIn else { return nil }
            return Line("\(name) is held, and opens in \(time.short)", .worry)
        }
        for duty in report.stats.silent {
            let time = duty.succeeded.map { "for \($0.short)" } ?? "yet"
            lines.append(Line("the duty \(clean(duty.name)) has not succeeded \(time)", .bad))
        }
        if let balances = report.stats.balances {
            let age = report.stats.lastFullAge
            let isOld = age.map { $0 > Limits.compared } ?? true
            let compared = age.map { "\($0.short) ago" } ?? "never"
            lines.append(Line("halves last compared in full: \(compared)", isOld ? .worry : .plain))
            lines.append(
                Line("quarantined: \(balances.quarantined)", balances.quarantined > 0 ? .bad : .plain))
            lines.append(Line("outbox: \(balances.outbox), the oldest for \(balances.outboxAge.short)"))
        }
        let found = table(
            ["CODE", "SEVERITY", "JOB", "QUEUE", "FIRST SEEN", "WHAT"],
            report.findings.map { left in
                [
                    clean(left.finding.code), clean(left.finding.severity),
                    left.finding.job?.description ?? "-", clean(left.finding.queue),
                    left.firstSeen.age(at: report.at), clean(left.finding.detail),
                ]
            }, report.findings.map { $0.finding.severity == "H" ? .bad : .worry })
        if report.ledgerAway != nil { return lines + [Line("findings left: not known", .bad)] }
        if report.findings.isEmpty { return lines + [Line("findings left: none")] }
        return lines + [Line(""), Line(found.header ?? "")] + found.rows
    }

    private static func clean(_ text: String) -> String { Printable.text(text) }

    /// Columns as wide as their longest cell.
    private static func table(
        _ header: [String], _ rows: [[String]], _ tones: [Line.Tone]
    ) -> (header: String?, rows: [Line]) {
        if rows.isEmpty { return (nil, []) }
        let widths = header.indices.map { column in
            rows.reduce(header[column].count) { max($0, $1[column].count) }
        }
        func line(_ cells: [String]) -> String {
            let padded = zip(cells, widths).map { TextColumns.cell($0, $1) }
            return TextColumns.trimmed(padded.joined(separator: "  "))
        }
        return (line(header), zip(rows, tones).map { Line(line($0), $1) })
    }
}
