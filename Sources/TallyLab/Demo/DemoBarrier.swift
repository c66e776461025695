import Foundation
import Glibc
import Tallystick

/// A job that is held until its worker is killed: it leaves a marker with its process' id and waits for ever. Run
/// again, it sees that the process of the marker is gone, and completes.
struct DemoBarrier: Job {
    static let jobType: JobType = "demo.barrier"
    static let policy = JobPolicy(queue: "demo.held", maxCrashes: 10)

    let marker: String

    struct Ending: Codable {
        var finishedBy: String
        var pid: Int32
        var crashes: Int
    }

    func run(_ context: JobContext) async throws {
        guard let holder = Self.holder(marker), holder != getpid(), kill(holder, 0) != 0 else {
            // Also where the lease was lost without a crash, on a very busy machine: the kill must still be seen.
            try Data("\(getpid())\n".utf8).write(to: URL(fileURLWithPath: marker), options: .atomic)
            while true { try await Task.sleep(for: .seconds(3600)) }
        }
        try context.complete(
            with: Ending(finishedBy: context.worker.text, pid: getpid(), crashes: context.crashes))
    }

    /// The process that holds the job; nil while none has taken it.
    static func holder(_ marker: String) -> Int32? {
        // not taken yet
        guard let text = try? String(contentsOfFile: marker, encoding: .utf8) else { return nil }
        return Int32(text.dropLast())
    }
}
