import TallyCore
import TestSupport
import Testing

@testable import TallyRedis

@Suite(.serialized) struct `A wait for Redis` {
    @Test func `ends at once when its task is cancelled [B6]`() async throws {
        try await withQueue { queue, _ in
            let began = ContinuousClock.now
            let wait = Task { try await queue.wait(for: ["nobody"], upTo: .seconds(60)) }
            for _ in 0..<100 { await Task.yield() }

            wait.cancel()

            await #expect(throws: CancellationError.self) { try await wait.value }
            #expect(ContinuousClock.now - began < .seconds(5))
        }
    }

    @Test func `ends when a job arrives [B6]`() async throws {
        try await withQueue { queue, _ in
            let began = ContinuousClock.now
            async let wait: Void = queue.wait(for: ["a", "q"], upTo: .seconds(60))
            _ = try await queue.push([Push(JobRecord(type: "t", queue: "q"))], issued: nil)

            try await wait

            #expect(ContinuousClock.now - began < .seconds(5))
        }
    }
}
