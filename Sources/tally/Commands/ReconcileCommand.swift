import Foundation
import Synchronization
import TallyAdmin
import TallyCommandLine
import Tallystick

enum ReconcileCommand: Command {
    static let name = "reconcile"
    static let summary = "lay the halves together; says what differs"
    static let help = """
        tally reconcile             a dry run: mends nothing. It applies the log to the ledger, as the mirror
                                    does, for only then can the halves be compared
          --repair[=D01,D04]        mends what needs no person, or only what is named; each by compare-and-set
                                    and as an event. D18 (an old dump was restored) is mended only where it is named
          --full                    also recounts the totals and walks every unique key: costs what history is long
          --since TIME              compares only jobs created since then; a time that has passed
          --max-repairs N           stops beyond so many (default: the greater of 1000 and 1 % of the active jobs); of
                                    several Redis each has so many, and so has what the ledger has once
          --adopt-queue             with --repair: the Redis that the ledger knew is gone for good; this one takes
                                    its place. First stop what reaches the old one: refused while that is in use. What
                                    was taken from where is told, as D35 repaired. A Redis of another ledger (D28) is
                                    not taken so
          --requeue-unknown         runs again what D18 has set aside as history_lost
        A TIME is \(Usage.timeForms).
        What each code means and what is left to a person: ops/runbooks/README.md, and a page each where there is
        more to say, which the report names.
        """
    static let flags: Set<String> = ["max-repairs", "repair", "since"]
    static let switches: Set<String> = ["repair", "full", "requeue-unknown", "adopt-queue"]
    static let exitCodes = ExitCodes(
        done: "clean", failed: .init(8, "could not complete, or inconclusive"), usage: 16,
        others: [.init(1, "repaired"), .init(4, "drift left")])

    static func run(_ arguments: Arguments) async throws {
        let options = try options(arguments)
        let code = try await Common.withTally(
            arguments, isPairing: false, connecting: Limits.connect
        ) { tally in
            let report = try await tally.admin.reconcile(options)
            Output.endLive()
            if arguments.has("json") { Output.json(report.json) } else { show(report) }
            return report.exitCode
        }
        if code != 0 { throw Exit(code: Int32(code)) }
    }

    private static func options(_ arguments: Arguments) throws -> ReconcileOptions {
        let repairs = arguments.has("repair") || arguments.text("repair") != nil
        var options = ReconcileOptions(repairs ? .repair : .dry)
        if let text = arguments.text("repair") {
            options.codes = Set(
                try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
                    guard let code = Drift(rawValue: word.uppercased()) else {
                        throw Usage(
                            "--repair=\(text): \(word) is no drift code; ops/runbooks/README.md lists them")
                    }
                    return code
                })
        }
        options.isFull = arguments.has("full")
        options.since = try arguments.time("since")
        // A run that cannot find anything would say that all is well.
        if let since = options.since, since > .now {
            throw Usage("--since \(since): lies in the future; no job can have been created since then")
        }
        if arguments.text("max-repairs") != nil {
            if !repairs { throw Usage("--max-repairs bounds the changes of --repair: add it") }
            options.maxRepairs = try arguments.number("max-repairs", in: 0...Limits.allowedRepairs, or: 0)
        }
        options.patience = Limits.repairPatience
        options.requeuesUnknown = arguments.has("requeue-unknown")
        if options.requeuesUnknown, !repairs { throw Usage("--requeue-unknown changes jobs: add --repair") }
        options.adoptsQueue = arguments.has("adopt-queue")
        if options.adoptsQueue, !repairs { throw Usage("--adopt-queue changes the ledger: add --repair") }
        let environment = ProcessInfo.processInfo.environment
        options.actor = environment["SUDO_USER"] ?? environment["USER"] ?? "operator"
        options.host = ProcessInfo.processInfo.hostName
        let progress = Progress()
        options.progress = { what, count in progress.say("\(count) \(what) compared") }
        return options
    }

    /// A line that is overwritten where somebody watches; elsewhere one every ten seconds.
    private final class Progress: Sendable {
        private let last = Mutex(ContinuousClock.now)

        func say(_ text: String) {
            let isWatched = isatty(2) == 1
            let isDue = last.withLock { last in
                if .now - last < (isWatched ? Limits.progress : Limits.saidAgain) { return false }
                last = .now
                return true
            }
            guard isDue else { return }
            if isWatched { Output.live(text) } else { Output.note("tally reconcile: \(text)") }
        }
    }

    private static func show(_ report: ReconcileReport) {
        let run = report.run
        if !run.findings.isEmpty {
            Output.table(
                ["CODE", "SEV", "JOB", "QUEUE", "REDIS", "LEDGER", "OUTCOME", "DETAIL"],
                run.findings.map {
                    [
                        $0.code, $0.severity, $0.job?.description ?? "-", Output.printable($0.queue),
                        $0.queueView,
                        $0.ledgerView, $0.outcome, Output.printable($0.detail),
                    ]
                })
        }
        for line in report.furtherLines { Output.line(line) }
        if !report.pages.isEmpty {
            Output.line("what it means and what to do: \(report.pages.joined(separator: ", "))")
        }
        if run.inconclusive > 0 {
            Output.line("inconclusive: \(run.inconclusive) jobs; the mirror did not catch up in time")
        }
        if let error = run.error { Output.line(error) }
        guard let statement = report.statement else { return }
        for queue in statement.queueDescriptions { Output.line(queue) }
        Output.line(statement.description)
    }
}
