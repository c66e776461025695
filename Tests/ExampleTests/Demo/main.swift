import Foundation
import Tallystick

/// A job that greets, and tells the program that it has.
struct Greet: Job {
    static let jobType: JobType = "demo.greet"
    static let policy = JobPolicy(queue: "demo")
    static let said = AsyncStream<Void>.makeStream()
    let name: String

    func run(_ context: JobContext) async throws {
        print("Hello, \(name)")
        Self.said.continuation.yield()
    }
}

/// Waits until so many more have greeted.
func hear(_ count: Int) async {
    var left = count
    for await _ in Greet.said.stream {
        left -= 1
        if left == 0 { return }
    }
}

let settings = try Settings(layers: [ProcessInfo.processInfo.environment])
let schema = Settings.schema(settings.namespace) ?? settings.namespace
let ledger = try PostgresConfiguration(url: settings.postgresURL ?? "", schema: schema)
let applied = try await Migrator(ledger).apply()
print(applied.isEmpty ? "The tables are there" : "The tables are made")

let tally = try await Tally.open(settings)
let serve = try Serve(queue: tally.queue, ledger: tally.ledger)
let duties = Task { try await serve.run() }
let worker = tally.worker(
    handlers: [JobHandler(Greet.self)],
    configuration: WorkerConfiguration(queues: ["demo"], concurrency: 1))
let working = Task { try await worker.run() }

try await tally.enqueue(Greet(name: "at once"))
await hear(1)
let now = Timestamp.now
for tenth in [3, 6, 9] {
    try await tally.enqueue(Greet(name: "after 0.\(tenth) s"), at: now + .milliseconds(100 * tenth))
}
await hear(3)

await worker.drain()
try await working.value
duties.cancel()
_ = await duties.result
await tally.close()
print("Stopped")
