import Dispatch
import Glibc
import TallyCommandLine
import Tallystick

/// A worker process of the demo. It ends with the demo, however that ends: standard input is a pipe that the demo
/// holds open.
enum DemoWorkerCommand: Command {
    static let name = "demo-worker"
    static let summary = "a worker process of `tally-lab demo`"
    static let help = "tally-lab demo-worker --id NAME --queue Q (repeatable) --lease 3s"
    static let flags: Set<String> = ["id", "queue", "lease"]
    static let repeatable: Set<String> = ["queue"]
    static let isHidden = true

    static func run(_ arguments: Arguments) async throws {
        // More slots than threads that read: reserves and acks go in larger batches, at the price of a longer "run".
        let configuration = WorkerConfiguration(
            queues: arguments.all("queue").map { QueueName($0) }, concurrency: 16,
            lease: try arguments.duration("lease") ?? Limits.lease,
            id: arguments.text("id").map { WorkerID($0) })
        endWithParent()
        try await Common.withTally(arguments, connecting: Limits.connect, isTryingAgain: true) { tally in
            let worker = tally.worker(
                handlers: [JobHandler(DemoFile.self), JobHandler(DemoBarrier.self)],
                configuration: configuration)
            try await Signals.working(worker)
        }
    }

    private static func endWithParent() {
        DispatchQueue(label: "demo.parent").async {
            var byte: UInt8 = 0
            while read(0, &byte, 1) > 0 {}
            _exit(1)
        }
    }
}
