import Synchronization
import TallyAdmin
import TallyCommandLine
import TallyCore
import Tallystick

enum WatchCommand: Command {
    static let name = "watch"
    static let summary = "follow one job until it has ended"
    static let help = """
        tally watch ID
        A line for each transition as it happens, and what comes next; with --json an object a line. Ends once the job
        has ended, or by a signal. A store that goes away is told, and looked for again.
        \(Watch.help)
        """
    static let flags = Watch.flags
    static let words = 1...1
    static let exitCodes = ExitCodes(
        done: "it has completed, or a signal ended the watch",
        failed: .init(1, "failed, there is no such job, or it has ended otherwise"))

    static func run(_ arguments: Arguments) async throws {
        let id = try Common.jobID(arguments)
        let isJSON = arguments.has("json")
        let watch = Mutex(JobWatch())
        try await Watch.run(arguments) { tally in
            guard let found = try await tally.admin.explain(id) else {
                Output.note("tally watch: no job \(id) in either half")
                throw Exit(code: 1)
            }
            let (changes, ended) = watch.withLock { watch in (watch.changes(in: found), watch.ended) }
            for change in changes { isJSON ? Output.json(change.json) : Output.line(change.text) }
            guard let ended else {
                // What was away as this was opened is asked again once it is opened anew.
                if let away = found.unasked.first(where: { $0.what.hasPrefix("redis") }) {
                    throw QueueError(.unavailable, "ask \(away.what)", away.why)
                }
                return false
            }
            if ended != .completed { throw Exit(code: 1) }
            return true
        }
    }
}
