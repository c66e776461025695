import Tallystick

struct SendInvoice: Job {
    static let jobType: JobType = "invoice.send"
    static let policy = JobPolicy(queue: "mail", attempts: 8, timeout: .seconds(30))
    let order: Int

    func run(_ context: JobContext) async throws {
        print("Invoice \(order), attempt \(context.attempt)")
    }
}

let tally = try await Tally.open()  // reads TALLY_REDIS_URL, TALLY_POSTGRES_URL
try await tally.enqueue(SendInvoice(order: 7))  // returns once Postgres has it
try await tally.worker(for: SendInvoice.self).run()  // until cancelled
