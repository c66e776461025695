import TallyTesting
import Tallystick
import Testing

struct SyncContact: Job {
    static let jobType: JobType = "crm.sync"
    static let policy = JobPolicy(
        attempts: 20,
        backoff: .phases(.fixed(.seconds(2)), failures: 5, then: .exponential(base: .seconds(60), jitter: 0))
            .limited(total: .seconds(86_400)),
        errors: [
            ErrorRule(LoginFailed.self, .fail),
            ErrorRule(TooManyRequests.self) { .snooze($0.retryAfter) },
        ])
    let contact: Int

    func run(_ context: JobContext) async throws { try answer(of: contact) }
}

struct LoginFailed: Error {}
struct TooManyRequests: Error { let retryAfter: Duration }
struct ConnectionRefused: Error {}

struct SendPages: Job {
    static let jobType: JobType = "pages.send"
    static let policy = JobPolicy()
    let pages: [String]

    func run(_ context: JobContext) async throws {
        for (number, page) in pages.enumerated() {
            try await send(page)
            context.progress(Double(number + 1) / Double(pages.count), "page \(number + 1) of \(pages.count)")
        }
    }

    private func send(_ page: String) async throws { await Task.yield() }
}

/// What the service says to each contact.
private func answer(of contact: Int) throws {
    switch contact {
    case 1: throw ConnectionRefused()
    case 2: throw LoginFailed()
    case 3: throw TooManyRequests(retryAfter: .seconds(90))
    default: return
    }
}

@Suite struct `A contact` {
    let handler = JobHandler(SyncContact.self)

    private func outcome(_ contact: Int, attempt: Int = 1) async throws -> RunOutcome {
        await handler.outcome(of: try JobContext(testing: SyncContact(contact: contact), attempt: attempt))
    }

    @Test func `is tried again after a refused connection, every 2 s and then more seldom`() async throws {
        let early = try await outcome(1, attempt: 5)
        let later = try await outcome(1, attempt: 7)

        #expect(early == .retry(after: .seconds(2), attempts: 5, error: "ConnectionRefused()"))
        #expect(later == .retry(after: .seconds(120), attempts: 7, error: "ConnectionRefused()"))
    }

    @Test func `is a dead letter at once after a failed login, and put off where the service says so`()
        async throws
    {
        let failed = try await outcome(2)
        let later = try await outcome(3)

        #expect(failed == .fail(attempts: 1, error: "LoginFailed()"))
        #expect(later == .release(after: .seconds(90)))
    }

    @Test func `is worked on by a worker of this configuration`() async throws {
        let configuration = WorkerConfiguration(
            queues: ["mail", "bulk"], weights: ["mail": 3, "bulk": 1], concurrency: 8,
            unknownType: .release(after: .seconds(5)), errors: [ErrorRule(DecodingError.self, .fail)])

        #expect(configuration.weights["mail"] == 3 && configuration.errors.count == 1)
    }

    @Test func `is watched by middleware`() async throws {
        let middleware: [JobMiddleware] = [
            .logging { print($0) },
            .timing { print($0.call.job.record.type, $0.call.ran, $0.settling) },
            .recover(from: ConnectionRefused.self) { _, context in try context.complete(with: "left out") },
            .timeout(.seconds(30)),
        ]
        let context = try JobContext(testing: SyncContact(contact: 1))

        let outcome = await handler.wrapped(in: middleware).outcome(of: context)

        #expect(outcome == .complete(result: Array(#""left out""#.utf8)))
    }
}

@Suite struct `A handler that takes long` {
    @Test func `says how far it is`() async throws {
        let context = try JobContext(testing: SendPages(pages: ["a", "b", "c", "d"]))

        let outcome = await JobHandler(SendPages.self).outcome(of: context)

        #expect(outcome == .complete(result: []))
        #expect(context.lastProgress?.fraction == 1 && context.lastProgress?.text == "page 4 of 4")
    }
}
