import TallyTesting
import Tallystick
import Testing

@Test func `a receipt is sent an hour after the order`() async throws {
    let jobs = TestJobs(handlers: [JobHandler(SendReceipt.self)])
    try await sendReceipt(to: "ann", after: .seconds(3600), through: jobs.client)
    try await jobs.expectEnqueued(SendReceipt(name: "ann"))
    #expect(try await jobs.drain().isEmpty)
    #expect(try await jobs.advance(by: .seconds(7200)).count == 1)
}

struct SendReceipt: Job {
    static let jobType: JobType = "bank.receipt"
    let name: String

    func run(_ context: JobContext) async throws { try context.complete(with: ["sent": name]) }
}

func sendReceipt(to name: String, after wait: Duration, through client: JobClient) async throws {
    try await client.enqueue(SendReceipt(name: name), at: Timestamp.now + wait)
}

@Suite struct `A receipt` {
    @Test func `of a payment is sent behind its commit, and never after a rollback`() async throws {
        let jobs = TestJobs(.inline, handlers: [JobHandler(SendReceipt.self)], ledger: bank())

        try await jobs.ledger.withTransaction { transaction in
            _ = try await transaction.query("UPDATE account", [.text("ann"), .int(-30)])
            try await jobs.client.enqueue(SendReceipt(name: "ann"), in: transaction)
            #expect(jobs.runs.isEmpty)
        }

        #expect(jobs.runs.map(\.outcome) == [.complete(result: Array(#"{"sent":"ann"}"#.utf8))])
    }

    @Test func `for nobody is put off by a rule that all handlers share`() async throws {
        struct NoAddress: Error {}
        let handler = JobHandler("bank.receipt") { _ in throw NoAddress() }
        let rules = [ErrorRule(NoAddress.self, .snooze(.seconds(60)))]
        let jobs = TestJobs(handlers: [handler], errors: rules)

        try await jobs.client.enqueue(SendReceipt(name: "nobody"))

        let runs = try await jobs.advance(by: .seconds(90))
        #expect(runs.map(\.outcome) == [.release(after: .seconds(60)), .release(after: .seconds(60))])
    }
}
