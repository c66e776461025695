import Synchronization
import TallyAdmin
import TallyCommandLine
import TallyCore
import Tallystick

/// The flags of a change of many jobs, and how it is told.
enum BulkText {
    /// The flags by which jobs are meant.
    static let filters: Set<String> = ["queue", "type", "older-than", "newer-than", "error"]
    /// The flags that say how a change of many goes.
    static let flags: Set<String> = ["limit", "rate"]
    static let help = """
          --type T --older-than 2h --newer-than 7d --error TEXT
                            which: by type, by the time since it failed (or was created), by what its error holds
          --limit N         at most so many jobs; default \(Limits.bulkJobs)
          --rate N          at most so many a second; default \(Limits.bulkRate)
          --go              does it; without it nothing changes, and what would change is counted. A signal
                            ends it between two groups, and what was done is told
        """

    static func filter(_ arguments: Arguments) throws -> JobFilter {
        JobFilter(
            queue: try arguments.name("queue").map { QueueName($0) },
            type: try arguments.name("type").map { JobType($0) },
            olderThan: try arguments.duration("older-than"), newerThan: try arguments.duration("newer-than"),
            error: arguments.text("error"))
    }

    static func options(_ arguments: Arguments, _ what: String) throws -> BulkOptions {
        var options = BulkOptions()
        options.goes = arguments.has("go")
        options.limit = try arguments.number("limit", in: 1...Limits.bulkLooked, or: Limits.bulkJobs)
        options.rate = try arguments.number("rate", in: 1...Limits.bulkMaxRate, or: Limits.bulkRate)
        if options.goes {
            // A dry run has done nothing that a signal could hide.
            let asked = Asked()
            Signals.onStop { asked.stop() }
            options.isStopped = { asked.isStopped }
        }
        let pace = Pace()
        options.progress = { count in
            guard pace.isDue() else { return }
            // It goes on for as long as it takes.
            Output.sayHeld()
            Output.live("\(count) \(what)")
        }
        return options
    }

    /// Whether a signal came.
    private final class Asked: Sendable {
        private let state = Mutex(false)
        var isStopped: Bool { state.withLock { $0 } }
        func stop() { state.withLock { $0 = true } }
    }

    /// So that a line which is overwritten is written no more often than an eye follows.
    private final class Pace: Sendable {
        private let last = Mutex<ContinuousClock.Instant?>(nil)

        func isDue() -> Bool {
            last.withLock { last in
                if let at = last, .now - at < Limits.progress { return false }
                last = .now
                return true
            }
        }
    }

    /// - Parameter verb: what happened to the jobs, such as `requeued`.
    /// - Parameter noun: what `before` and `after` count.
    /// - Parameter locked: why a job is left as `locked`.
    static func show(
        _ report: BulkReport, _ arguments: Arguments, verb: String, noun: String,
        locked: String = BulkText.locked
    ) {
        Output.endLive()
        if arguments.has("json") { return Output.json(report.json) }
        if !report.kinds.isEmpty {
            Output.table(
                ["QUEUE", "TYPE", "JOBS"],
                report.kinds.map {
                    [Output.printable($0.queue.text), Output.printable($0.type.text), "\($0.count)"]
                })
        }
        for (why, count) in report.refused.sorted(by: { $0.key < $1.key }) {
            Output.line("left as they are: \(count), \(text(why, locked: locked))")
        }
        for id in report.held { Output.line("locked: \(id)") }
        if report.uncertain > 0 {
            Output.line("uncertain: \(report.uncertain), a store may have done it: run it again")
        }
        for (why, count) in report.doubts.sorted(by: { $0.key < $1.key }) {
            Output.line("uncertain: \(count) of them, \(Output.printable(why))")
        }
        let more = report.mayHaveMore ? "; there may be more: run it again" : ""
        if report.isDry {
            Output.line(
                "would be \(verb): \(report.ready) of \(report.before) \(noun)\(more). Nothing was changed; "
                    + "--go does it")
        } else {
            Output.line(
                "\(verb): \(report.changed) of \(report.matched) that matched; \(noun) before \(report.before), "
                    + "after \(report.after.map { "\($0)" } ?? "unknown")\(more)")
        }
    }

    /// Why a job is left as `locked` that is changed by itself.
    static let locked = LedgerError.rowHeld

    /// Why jobs were left as they are, with what to do where that is not plain.
    static func text(_ why: String, locked: String = BulkText.locked) -> String {
        why == BulkReport.locked ? "\(why): \(locked); try again" : why
    }

    /// Says why it ended early, or what it could not count, and ends the command with the code of an end before the
    /// end, or of some that were not changed: a count that is missing is no failure of what was done.
    static func end<Counts: Sendable>(_ course: BulkCourse<Counts>, isWhole: Bool, _ command: String) throws {
        if let why = course.uncounted {
            Output.note("tally \(command): what there is after it could not be counted: \(why)")
        }
        switch course.stop {
        case .asked?:
            Output.note("tally \(command): stopped by a signal; what is told was done before that")
            throw Exit(code: ExitCodes.interrupted.code)
        case .failed(let why)?:
            Output.note("tally \(command): stopped: \(why); what is told was done before that")
            throw Exit(code: 1)
        case nil: if !isWhole { throw Exit(code: 1) }
        }
    }
}
