import TallyCore
import TallyDuties
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyRuntime

private struct Boom: Error, CustomStringConvertible {
    let description: String
    init(_ description: String = "boom") { self.description = description }
}

private struct ReadsSecret: Job {
    enum Word: String, Codable { case open }
    static let jobType: JobType = "secret.read"
    let word: Word
    func run(_ context: JobContext) async throws {}
}

private struct Unwritable: Encodable {
    enum Key: String, CodingKey { case words }
    func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: Key.self)
        var words = keys.nestedUnkeyedContainer(forKey: .words)
        try words.encode(Refused())
    }
    private struct Refused: Encodable {
        func encode(to encoder: any Encoder) throws {
            throw EncodingError.invalidValue(
                "MARK-4711", .init(codingPath: encoder.codingPath, debugDescription: "not MARK-4711"))
        }
    }
}

@Suite struct `A handler` {
    @Test func `runs inside the middleware, the first outermost [F6]`() async throws {
        let rig = Rig()
        let job = try await rig.push()
        let order = Journal<String>()
        func layer(_ name: String) -> JobMiddleware {
            JobMiddleware(run: { context, next in
                order.append("\(name) in")
                try await next(context)
                order.append("\(name) out")
            })
        }
        let worker = rig.worker(
            WorkerConfiguration(), middleware: [layer("a"), layer("b")],
            JobHandler("t") { _ in order.append("run") })

        try await running(worker) { try await rig.eventuallyEnded(job.id, .completed) }

        #expect(order.all == ["a in", "b in", "run", "b out", "a out"])
    }

    @Test func `that throws has failed, also in the middleware [F6]`() async throws {
        let rig = Rig()
        let job = try await rig.push(maxAttempts: 1)
        let runs = Journal<Int>()
        let worker = rig.worker(
            WorkerConfiguration(),
            middleware: [JobMiddleware(run: { _, _ in throw Boom("from the middleware") })],
            JobHandler("t") { runs.append($0.attempt) })

        try await running(worker) { try await rig.eventuallyEnded(job.id, .failed) }

        #expect(runs.count == 0)
        let last = try #require(try await rig.moves(job.id).last?.move)
        #expect(last.error == "from the middleware" && last.attempts == 1)
    }

    @Test(arguments: [1, 2, 3]) func `runs as often as the job allows [G2, D7]`(_ most: Int) async throws {
        let rig = Rig()
        let job = try await rig.push(maxAttempts: most)
        let attempts = Journal<Int>()
        let handler = JobHandler("t", retries: atOnce) { context in
            attempts.append(context.attempt)
            throw Boom("failure \(context.attempt)")
        }

        try await running(rig.worker(handler)) { try await rig.eventuallyEnded(job.id, .failed) }

        #expect(attempts.all == Array(1...most))
        let last = try #require(try await rig.moves(job.id).last?.move)
        #expect(last.attempts == most && last.error == "failure \(most)")
    }

    @Test func `without a policy fails at its first error [G3]`() async throws {
        let rig = Rig()
        let job = try await rig.push(maxAttempts: 5)
        let runs = Journal<Int>()
        let handler = JobHandler("t", retries: nil) { context in
            runs.append(context.attempt)
            throw Boom()
        }

        try await running(rig.worker(handler)) { try await rig.eventuallyEnded(job.id, .failed) }

        #expect(runs.all == [1])
    }

    @Test func `waits as its policy says before the next attempt [D4]`() async throws {
        let rig = Rig()
        let job = try await rig.push()
        let handler = JobHandler("t", retries: ExponentialBackoff(base: .seconds(100), jitter: 0)) { _ in
            throw Boom()
        }

        try await running(rig.worker(handler)) {
            try await eventually("retrying") { try await rig.held(job.id)?.status == .retrying }
        }

        let held = try #require(try await rig.held(job.id))
        let wait = try #require(held.runAt) - Timestamp.now
        #expect(wait > .seconds(60) && wait <= .seconds(100))
        #expect(held.attempts == 1 && held.error == "boom")
    }

    @Test func `that runs over its time is cancelled, and that is a failure [F7]`() async throws {
        let rig = Rig()
        let job = try await rig.push(maxAttempts: 1, timeout: .milliseconds(50))

        try await running(rig.worker(JobHandler("t") { _ in try await untilCancelled() })) {
            try await rig.eventuallyEnded(job.id, .failed)
        }

        let last = try #require(try await rig.moves(job.id).last?.move)
        #expect(last.error?.hasPrefix("timed out after") == true && last.attempts == 1)
    }

    @Test func `that ignores the end of its time loses its slot, and its job goes on without it [F7]`()
        async throws
    {
        let rig = Rig()
        let stubborn = try await rig.push("stubborn", maxAttempts: 1, timeout: .milliseconds(20))
        let next = try await rig.push("next")
        let gate = Gate()
        let configuration = WorkerConfiguration(concurrency: 1, timeoutGrace: .milliseconds(20))
        let worker = rig.worker(
            configuration, JobHandler("stubborn") { _ in await gate.wait() }, JobHandler("next") { _ in })

        try await running(worker) {
            try await rig.eventuallyEnded(next.id, .completed)
            try await rig.eventuallyEnded(stubborn.id, .failed)
            #expect(!gate.isOpen)
            gate.open()  // its late success is nobody's business any more
        }

        let moves = try await rig.moves(stubborn.id).map(\.move.to)
        #expect(moves == [.pending, .processing, .failed])
    }

    @Test func `that throws a final error is not run again [F8]`() async throws {
        let rig = Rig()
        let job = try await rig.push(maxAttempts: 10)
        let runs = Journal<Int>()
        let handler = JobHandler("t", retries: atOnce) { context in
            runs.append(context.attempt)
            throw JobError.final("no such customer")
        }

        try await running(rig.worker(handler)) { try await rig.eventuallyEnded(job.id, .failed) }

        #expect(runs.all == [1])
        #expect(try await rig.moves(job.id).last?.move.error == "no such customer")
    }

    @Test func `that snoozes runs again and no attempt is counted`() async throws {
        let rig = Rig()
        let job = try await rig.push(maxAttempts: 1)
        let attempts = Journal<Int>()
        let handler = JobHandler("t") { context in
            attempts.append(context.attempt)
            if attempts.count < 2 { throw JobError.snooze(.milliseconds(1)) }
        }

        try await running(rig.worker(handler)) { try await rig.eventuallyEnded(job.id, .completed) }

        #expect(attempts.all == [1, 1])
    }

    @Test func `that is missing leaves the job to a worker that has it [F9]`() async throws {
        let rig = Rig()
        let job = try await rig.push("rare")
        var configuration = WorkerConfiguration(concurrency: 1)
        configuration.unknownType = .release(after: .milliseconds(1))

        try await running(rig.worker(configuration, JobHandler("other") { _ in })) {
            try await eventually("released") { rig.queue.count(of: .settle) >= 1 }
        }
        try await running(rig.worker(JobHandler("rare") { _ in })) {
            try await rig.eventuallyEnded(job.id, .completed)
        }

        let moves = try await rig.moves(job.id)
        #expect(
            moves.contains { $0.verb == .release }
                && !moves.contains { $0.verb == .retry || $0.verb == .fail })
    }

    @Test func `that is missing fails the job where the worker is told so [F9]`() async throws {
        let rig = Rig()
        let job = try await rig.push("rare")
        let configuration = WorkerConfiguration(unknownType: .fail)

        try await running(rig.worker(configuration, JobHandler("other") { _ in })) {
            try await rig.eventuallyEnded(job.id, .failed)
        }

        #expect(try await rig.moves(job.id).last?.move.error?.contains("no handler for rare") == true)
    }

    @Test func `whose body cannot be decoded fails for good`() async throws {
        let rig = Rig()
        let job = try await rig.push("invoice.send", body: Array("[]".utf8))

        try await running(rig.worker(JobHandler(Invoice.self))) {
            try await rig.eventuallyEnded(job.id, .failed)
        }

        #expect(try await rig.moves(job.id).last?.move.error?.contains("cannot be decoded") == true)
    }

    @Test func `never stores a value of a body or of a result that its codec refused`() async throws {
        let rig = Rig()
        let read = try await rig.push("secret.read", body: Array(#"{"word":"MARK-4711"}"#.utf8))
        let write = try await rig.push("secret.write", maxAttempts: 1)
        let raw = try await rig.push("secret.raw", maxAttempts: 1, body: read.body)

        let worker = rig.worker(
            JobHandler(ReadsSecret.self), JobHandler("secret.write") { try $0.complete(with: Unwritable()) },
            // A handler that reads the body by itself lets the same kind of error pass.
            JobHandler("secret.raw") { _ = try JSONCodec().decode(ReadsSecret.self, from: $0.body) })
        try await running(worker) {
            for job in [read, write, raw] { try await rig.eventuallyEnded(job.id, .failed) }
        }

        for (job, keys) in [(read, "word"), (write, "[0]"), (raw, "word")] {
            let error = try #require(try await rig.moves(job.id).last?.move.error)
            #expect(error.contains("at \(keys)") && !error.contains("4711"), "\(error)")
        }
    }
}
