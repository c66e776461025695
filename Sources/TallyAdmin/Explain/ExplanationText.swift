import TallyCore

extension Explanation {
    /// For people: no line is wider than `width`, and nothing that a store keeps can draw on a terminal.
    package func text(width: Int) -> [String] {
        let record = job.record
        let job = "job \(record.id): \(clean(record.type.text)), priority \(record.priority.name), "
        let place =
            "in queue \(clean(record.queue.text)), created \(record.createdAt.told(at: situation.now))"
        var lines = TextColumns.wrap(job + place, width: width)
        lines += replays(width) + [""]
        lines += halves(width) + progress(width) + ["", "What happened"]
        lines += history(width) + log(width) + ["", "What comes next"]
        for sentence in next {
            lines += TextColumns.wrap(sentence.text, width: width, first: "  - ", indent: 4)
        }
        return lines
    }

    /// From which job it was enqueued anew, and as which.
    private func replays(_ width: Int) -> [String] {
        func line(_ words: String, _ at: Timestamp?) -> [String] {
            let time = at.map { ", \($0.told(at: situation.now))" } ?? ""
            return TextColumns.wrap(words + time, width: width)
        }
        var lines: [String] = []
        if let origin { lines += line("a replay of \(origin.origin)", origin.at) }
        for link in copies { lines += line("replayed as \(link.copy)", link.at) }
        return lines
    }

    private func clean(_ text: String) -> String { Printable.text(text) }

    // MARK: Both halves

    private func halves(_ width: Int) -> [String] {
        let label = Self.label
        let column = (width - label - 2) / 2
        func row(_ name: String, _ left: String, _ right: String) -> String {
            let cells = [TextColumns.cell(name, label), TextColumns.cell(left, column), "  "]
            return TextColumns.trimmed(cells.joined() + TextColumns.cut(right, to: column))
        }
        var lines = [
            row("", "REDIS", "POSTGRES"), row("status", report.inQueue.word, situation.ledgerWord),
        ]
        for (name, value) in Self.facts {
            let (left, right) = (
                report.held.flatMap { value($0, situation.now) },
                report.recorded.flatMap { value($0, situation.now) }
            )
            if left == nil, right == nil { continue }
            lines.append(row(name, clean(left ?? "-"), clean(right ?? "-")))
        }
        if situation.hasLedger { lines.append(row("outbox", "", situation.hasOutbox ? "waits" : "-")) }
        return lines
    }

    /// Columns of a fact's name.
    private static let label = 12

    /// What is told of a job in one half: its name, and its value where there is one.
    private static let facts: [(name: String, value: @Sendable (JobSnapshot, Timestamp) -> String?)] = [
        ("version", { job, _ in "\(job.version)" }),
        ("attempts", { job, _ in "\(job.attempts) of \(job.record.maxAttempts)" }),
        ("crashes", { job, _ in "\(job.crashes) of \(job.record.maxCrashes)" }),
        ("run at", { job, now in (job.runAt ?? job.record.runAt)?.told(at: now) }),
        ("lease ends", { job, now in job.lease?.expiresAt.told(at: now) }),
        ("worker", { job, _ in job.workerID?.text }),
        ("started", { job, now in job.startedAt?.told(at: now) }),
        ("ended", { job, now in job.completedAt?.told(at: now) }),
        ("log entry", { job, _ in job.epoch == 0 ? nil : "\(job.epoch)-\(job.seq)" }),
        ("cancel", { job, _ in job.cancelRequested ? "asked for" : nil }),
        ("error", { job, _ in job.error }),
    ]

    private func progress(_ width: Int) -> [String] {
        guard let progress = situation.progress else { return [] }
        return TextColumns.wrap(
            "\(progress.words), said \(progress.at.told(at: situation.now))", width: width,
            first: TextColumns.cell("progress", Self.label), indent: Self.label)
    }

    // MARK: The history

    private func history(_ width: Int) -> [String] {
        if report.lives.isEmpty {
            let why =
                situation.hasLedger ? "No transition is in the ledger yet." : "The ledger was not asked."
            return ["  \(why)"]
        }
        return steps.flatMap { event, since -> [String] in
            let time = since.map { ($0 < .zero ? "" : "+") + $0.short } ?? ""
            let move = event.from.map { "\($0.rawValue) → \(event.to.rawValue)" } ?? "→ \(event.to.rawValue)"
            let line = [
                event.at.toMilliseconds, TextColumns.cell(time, 9), TextColumns.cell(event.verb.rawValue, 8),
                TextColumns.cell(move, 23), "v\(event.version)",
            ].joined(separator: "  ")
            let lines = [TextColumns.cut(TextColumns.trimmed(line), to: width)]
            return lines + details(event).flatMap { TextColumns.wrap($0, width: width, indent: 26) }
        }
    }

    private func log(_ width: Int) -> [String] {
        if self.lines.isEmpty { return [] }
        let told = self.lines.flatMap { line in
            let first = "\(line.at.toMilliseconds)  " + TextColumns.cell("v\(line.version)", 5) + " "
            return TextColumns.wrap(clean(line.text), width: width, first: first, indent: first.count)
        }
        return ["", "What its handler logged"] + told
    }

    /// Who moved it under which fence, and why.
    private func details(_ event: JobEvent) -> [String] {
        var words: [String] = []
        if let actor = event.actor, !actor.isEmpty { words.append("by \(clean(actor))") }
        if event.verb == .lease { words.append("fence \(event.position.epoch)/\(event.version)") }
        if let attempts = event.attempts, event.verb == .retry || event.verb == .fail {
            words.append("failures \(attempts)")
        }
        var lines = words.isEmpty ? [] : [words.joined(separator: ", ")]
        if let error = event.error, !error.isEmpty { lines.append(clean(error)) }
        return lines
    }
}

extension JobSituation {
    /// The status, `absent`, or that nobody could say.
    fileprivate var ledgerWord: String {
        if let inLedger { return inLedger.rawValue }
        return hasLedger ? "absent" : "not asked"
    }
}
