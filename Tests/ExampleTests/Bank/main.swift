import Foundation
import Tallystick

/// Money moves once, however often the job is delivered: the completion is committed with the two balances.
struct Transfer: Job {
    static let jobType: JobType = "bank.transfer"
    static let policy = JobPolicy(queue: "bank", attempts: 20, maxCrashes: 50)

    let from: Int64
    let to: Int64
    let amount: Int64
    /// For the test: what befalls the process at the first delivery.
    var accident: Accident?

    func run(_ context: JobContext) async throws {
        try await tally.withTransaction { transaction in
            // In the order of their numbers: two transfers never wait for each other in a ring.
            _ = try await transaction.query(
                "SELECT FROM account WHERE number IN ($1, $2) ORDER BY number FOR UPDATE",
                [.int(from), .int(to)])
            _ = try await transaction.query(
                "UPDATE account SET balance = balance + CASE number WHEN $1 THEN -$3::bigint ELSE $3 END "
                    + "WHERE number IN ($1, $2)", [.int(from), .int(to), .int(amount)])
            accident?.strike(.beforeClaim, context)
            try await context.complete(in: transaction)
            accident?.strike(.beforeCommit, context)
        }
        accident?.strike(.afterCommit, context)
    }
}

struct Accident: Codable, Sendable {
    enum Moment: String, Codable { case beforeClaim, beforeCommit, afterCommit }
    var moment: Moment
    var signal: Int32

    func strike(_ moment: Moment, _ context: JobContext) {
        guard moment == self.moment, context.crashes == 0 else { return }
        // One line on standard output tells whom to wake up again.
        FileHandle.standardOutput.write(Data("\(getpid()) \(signal) \(context.id)\n".utf8))
        kill(getpid(), signal)
    }
}

let tally = try await Tally.open()
try await tally.worker(
    handlers: [JobHandler(Transfer.self)],
    configuration: WorkerConfiguration(queues: ["bank"], concurrency: 1, lease: .seconds(1))
).run()
