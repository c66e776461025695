import TallyTesting
import Tallystick
import Testing

struct ResizePhoto: Job {
    static let jobType: JobType = "photo.resize"
    static let policy = JobPolicy(
        queue: "media", attempts: 5, timeout: .seconds(60),
        backoff: .exponential(base: .seconds(10), jitter: 0))
    let photo: Int
    /// Newer than the type: jobs that were enqueued before it have none.
    var width: Int?

    func run(_ context: JobContext) async throws {
        guard photo > 0 else { throw JobError.final("there is no photo \(photo)") }
        if await isBeingUploaded(photo) { throw JobError.snooze(.seconds(30)) }
        for size in try await sizes(of: photo, upTo: width ?? 800) {
            try Task.checkCancellation()
            try await store(photo, size: size, for: context.id)
        }
        try context.complete(with: ["width": width ?? 800])
    }
}

func upload(_ photo: Int, through client: JobClient) async throws -> JobID {
    let receipt = try await client.enqueue(
        ResizePhoto(photo: photo), unique: UniqueKey("photo \(photo)"), tags: ["upload"])
    return receipt.id
}

/// Photo 8 is on its way, and photo 9 is out of reach.
private func isBeingUploaded(_ photo: Int) async -> Bool { photo == 8 }
private func sizes(of photo: Int, upTo width: Int) async throws -> [Int] {
    if photo == 9 { throw ConnectionRefused() }
    return [100, 400, 800].filter { $0 <= width }
}
/// Under a name that the job's id makes the same at every delivery.
private func store(_ photo: Int, size: Int, for id: JobID) async throws {}

@Suite struct `A photo` {
    let handler = JobHandler(ResizePhoto.self)

    private func outcome(_ photo: Int, attempt: Int = 1) async throws -> RunOutcome {
        await handler.outcome(of: try JobContext(testing: ResizePhoto(photo: photo), attempt: attempt))
    }

    @Test func `is resized, and its width is the result`() async throws {
        #expect(try await outcome(7) == .complete(result: Array(#"{"width":800}"#.utf8)))
    }

    @Test func `that is none fails for good, and one that is on its way is put off`() async throws {
        #expect(try await outcome(0) == .fail(attempts: 1, error: "there is no photo 0"))
        #expect(try await outcome(8) == .release(after: .seconds(30)))
    }

    @Test func `out of reach is tried again, after twice the time`() async throws {
        #expect(
            try await outcome(9, attempt: 2)
                == .retry(after: .seconds(20), attempts: 2, error: "ConnectionRefused()"))
    }

    @Test func `has one job under its key, and the next once that has ended`() async throws {
        let jobs = TestJobs(handlers: [handler])

        let first = try await upload(7, through: jobs.client)
        let repeated = try await upload(7, through: jobs.client)
        let runs = try await jobs.drain()
        let later = try await upload(7, through: jobs.client)

        #expect(repeated == first && later != first)
        #expect(runs.map(\.job.id) == [first] && runs.first?.job.tags == ["upload"])
    }
}
