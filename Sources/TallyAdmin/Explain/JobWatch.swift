import TallyCore

/// What is new of one job since it was last looked at. Values in, lines out.
package struct JobWatch: Sendable {
    /// Something that has changed.
    package struct Change: Sendable {
        /// For a person: one line.
        package let text: String
        /// For a program: one object.
        package let json: [String: any Sendable]
    }

    private var seen: Set<LogPosition> = []
    private var status: JobStatus?
    private var next: News?
    private var progress: JobProgress?
    /// How it has ended, and all of it was told; nil while it goes on.
    package private(set) var ended: JobStatus?

    /// What is new of a prospect. A lease is news once: every heartbeat extends it.
    private struct News: Equatable {
        let code: JobProspect.Code
        let at: Timestamp?
        let lease: Int?

        init(_ prospect: JobProspect, of job: JobSnapshot) {
            code = prospect.code
            at = prospect.code == .leased ? nil : prospect.at
            lease = prospect.code == .leased ? job.version : nil
        }
    }

    /// Nothing was seen yet.
    package init() {}

    /// Each transition that was not told yet, then what comes next and how far it is, where that is another thing
    /// than before.
    package mutating func changes(in found: Explanation) -> [Change] {
        var changes: [Change] = []
        for (event, since) in found.steps where seen.insert(event.position).inserted {
            changes.append(Self.change(event, since))
        }
        let job = found.job
        // The queue is ahead of the ledger by a moment, and without a ledger there are no transitions.
        if job.status != status, found.report.lives.last?.last?.to != job.status {
            changes.append(
                Change(
                    text: "\(found.situation.now.toMilliseconds)  is \(job.status.rawValue)",
                    json: ["at": found.situation.now.description, "status": job.status.rawValue]))
        }
        status = job.status
        if let first = found.next.first, News(first, of: job) != next {
            var fields: [String: any Sendable] = ["next": first.code.rawValue, "text": first.text]
            if let at = first.at { fields["at"] = at.description }
            changes.append(Change(text: "  \(first.text)", json: fields))
            next = News(first, of: job)
        }
        if let told = found.situation.progress, told != progress {
            let fields: [String: any Sendable] = [
                "progress": told.fraction, "text": told.text, "at": told.at.description,
            ]
            changes.append(Change(text: "  \(told.words)", json: fields))
            progress = told
        }
        let isWhole =
            found.unasked.isEmpty && (!found.situation.hasLedger || found.report.inLedger == job.status)
        if job.status.isTerminal, isWhole { ended = job.status }
        return changes
    }

    private static func change(_ event: JobEvent, _ since: Duration?) -> Change {
        let from = event.from.map { "\($0.rawValue) → " } ?? "→ "
        var words = [
            event.at.toMilliseconds, event.verb.rawValue, "\(from)\(event.to.rawValue)", "v\(event.version)",
        ]
        if let since { words.insert("+\(since.short)", at: 1) }
        if let actor = event.actor, !actor.isEmpty { words.append("by \(Printable.text(actor))") }
        if let error = event.error, !error.isEmpty { words.append(Printable.text(error)) }
        let fields: [String: any Sendable] = [
            "at": event.at.description, "event": event.verb.rawValue, "from": event.from?.rawValue ?? "",
            "to": event.to.rawValue, "version": event.version, "actor": event.actor ?? "",
            "error": event.error ?? "",
        ]
        return Change(text: words.joined(separator: "  "), json: fields)
    }
}
