import Foundation
import TallyCommandLine
import Tallystick

enum DemoCommand: Command {
    static let name = "demo"
    static let summary =
        "one job for every file of a folder, on private servers, with a worker killed on the way"
    static let help = """
        tally-lab demo [FOLDER]         default /usr/share/doc
          --since TIME                  when the first command began: by default this one
          Size, lines, SHA-256 and MIME type of every regular file, worked out by worker processes and stored as
          results. Two jobs fail, as they must; one worker is killed with -9 while it holds a job. Then the report,
          by SQL over the ledger; the last line on standard output is the statement. The last on standard error says
          how long it took until the first job was completed, and in all.
          Everything runs on servers of its own in a temporary folder, and all of it is gone afterwards.
        """

    static let flags: Set<String> = ["since"]
    static let words = 0...1
    static let hasOutput = false
    static let exitCodes = ExitCodes(
        failed: .init(1, "failed, or the statement does not hold"), others: [ExitCodes.interrupted])

    static func run(_ arguments: Arguments) async throws {
        let folder = arguments.rest.first ?? "/usr/share/doc"
        let began = try arguments.time("since") ?? .now
        let progress = DemoProgress()
        do {
            // Not even a second Ctrl-C may leave servers behind: stopping them takes about a second.
            try await Signals.cancelling(insisting: false) {
                try await withTaskCancellationHandler {
                    let files = try find(folder)
                    try await DemoStage.run {
                        try await DemoRun(stage: $0, files: files, progress: progress).run()
                    }
                } onCancel: {
                    Output.note("stopping everything")
                }
            }
            Output.note(DemoProgress.times(from: began, first: progress.firstCompletion, to: .now))
        } catch is CancellationError {
            Output.note("tally-lab demo: stopped; nothing is left running")
            throw Exit(code: 130)
        }
    }

    private static func find(_ folder: String) throws -> [DemoFile] {
        let found = try DemoFile.all(below: folder)
        if found.unreadable > 0 {
            Output.note("left out: \(found.unreadable) files and folders that this user may not read")
        }
        if found.files.isEmpty {
            Output.note("tally-lab demo: there is no regular file under \(folder); give another folder")
            throw Exit(code: 1)
        }
        if found.files.count < 1000 {
            Output.note(
                "only \(found.files.count) files under \(folder), fewer than 1,000: figures will say little")
        }
        return found.files
    }
}
