import TallyAdmin
import TallyCommandLine
import TallyCore
import Tallystick

enum ReplayCommand: Command {
    static let name = "replay"
    static let summary = "enqueue anew jobs of the ledger that have ended, by a condition in SQL"
    static let help = """
        tally replay --where CONDITION [--limit N] [--rate N] [--again] [--go]
        Each job that has ended and meets the condition is enqueued as a new job under a new id, with its body, type,
        queue, priority, tags, headers and limits; its own row stays. `explain` names the one at the other. What
        failed and shall go on under its own id is requeued: `tally dlq requeue`.
          --where CONDITION one expression of Postgres over the columns id, type, queue, priority, status, version,
                            attempts, max_attempts, crashes, payload, result, error, tags, tenant, trace, unique_key,
                            codec, worker_id, created_at, scheduled_at, started_at, completed_at, failed_at,
                            updated_at of `jobs`, such as
                              "type = 'mail' AND status = 'failed' AND failed_at > now() - interval '1 day'"
                            It only reads, with the rights of this login, for \(Limits.replayRead.short) at most
          --again           also what has done its work: jobs that completed, whose effect is committed, or that were
                            replayed before. They run once more
          --limit N         at most so many jobs run anew; default \(Limits.bulkJobs). What is left as it is does not
                            count; after \(Limits.bulkLooked) jobs that were looked at it stops
          --rate N          at most so many a second; default \(Limits.bulkRate)
          --go              does it; without it nothing changes, and what would be enqueued is counted
        A job that has not ended is left as it is. Jobs that were enqueued while this runs are not looked at.
        With --json: {"dry_run","before","after","matched","ready","replayed","uncertain","refused","jobs","more"};
        "before" and "after" are what the condition means, by status, the new jobs among it where it means them too,
        and "stopped" says why it ended early. A signal ends it between two groups, and what was done is told.
        """
    static let flags: Set<String> = BulkText.flags.union(["where"])
    static let switches: Set<String> = ["again", "go"]
    static let exitCodes = ExitCodes(
        failed: .init(1, "failed, or with --go some that matched were left as they are"),
        others: [ExitCodes.interrupted])

    static func run(_ arguments: Arguments) async throws {
        guard let condition = arguments.text("where"), condition.contains(where: { !$0.isWhitespace }) else {
            throw Usage("say which jobs: --where CONDITION, such as --where \"status = 'failed'\"")
        }
        let options = try BulkText.options(arguments, "replayed")
        var wish = ReplayWish(condition, actor: "tally replay")
        wish.isAgain = arguments.has("again")
        try await Common.withTally(arguments, isReading: !options.goes) { tally in
            let report: ReplayReport
            do {
                report = try await tally.admin.replay(wish, options)
            } catch let error as LedgerError where error.code == .invalid {
                throw Usage("--where: \(error.detail)")
            }
            show(report, arguments)
            let isWhole = !options.goes || report.refused.isEmpty && report.uncertain == 0
            try BulkText.end(report.course, isWhole: isWhole, "replay")
        }
    }

    private static func show(_ report: ReplayReport, _ arguments: Arguments) {
        Output.endLive()
        if arguments.has("json") { return Output.json(report.json) }
        let statuses = JobStatus.allCases.filter { report.before[$0] != nil || report.after?[$0] != nil }
        Output.table(
            ["STATUS", "BEFORE"] + (report.isDry || report.after == nil ? [] : ["AFTER"]),
            statuses.map { status in
                [status.rawValue, "\(report.before[status] ?? 0)"]
                    + (report.isDry || report.after == nil ? [] : ["\(report.after?[status] ?? 0)"])
            })
        for (why, count) in report.refused.sorted(by: { $0.key < $1.key }) {
            Output.line("left as they are: \(count), \(text(why))")
        }
        if report.uncertain > 0 {
            Output.line("uncertain: \(report.uncertain), the ledger may have done it: run it again")
        }
        for link in report.links { Output.line("\(link.origin) runs anew as \(link.copy)") }
        if report.replayed > report.links.count {
            Output.line("and \(report.replayed - report.links.count) more")
        }
        let more = report.mayHaveMore ? "; there may be more: run it again" : ""
        if report.isDry {
            Output.line(
                "would be replayed: \(report.ready) of \(report.matched) that matched\(more). Nothing was changed; "
                    + "--go does it")
        } else {
            Output.line("replayed: \(report.replayed) of \(report.matched) that matched\(more)")
        }
    }

    private static func text(_ why: String) -> String {
        switch why {
        case "completed", "effect_committed", "replayed_before": "\(why): --again runs them once more"
        default: BulkText.text(why)
        }
    }
}
