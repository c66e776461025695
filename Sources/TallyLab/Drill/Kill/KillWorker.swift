import Foundation
import Synchronization
import TallyCommandLine
import TallyServers
import Tallystick

/// The worker process of the drill: its handler's effect is one line in a file that no store knows.
enum KillWorker {
    static let type: JobType = "drill.effect"
    static let queue: QueueName = "drill"

    static func run(_ arguments: Arguments) async throws {
        guard let folder = arguments.text("folder") else { throw Usage("--folder is required") }
        let descriptor = open("\(folder)/effects", O_WRONLY | O_APPEND | O_CREAT, 0o600)
        if descriptor < 0 { throw ServerProblem("cannot open \(folder)/effects") }
        let handler = JobHandler(type) { context in
            // One write of one line: appends of this size do not tear.
            let line = Array("\(context.id)\n".utf8)
            guard write(descriptor, line, line.count) == line.count else {
                throw ServerProblem("the effect was not written")
            }
        }
        try await Common.withTally(arguments, connecting: Limits.connect, isTryingAgain: true) { tally in
            let worker = tally.worker(
                handlers: [handler],
                configuration: WorkerConfiguration(queues: [queue], concurrency: 256, lease: .seconds(3)))
            try await Signals.working(worker)
        }
    }
}
