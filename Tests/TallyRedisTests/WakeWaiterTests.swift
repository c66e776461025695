import TallyCore
import TestSupport
import Testing

@testable import TallyRedis

@Suite(.serialized) struct `A wait for Redis` {
    @Test func `ends at once when its task is cancelled [B6]`() async throws {
        try await PrivateRedis.with { redis in
            try await withQueue(url: redis.url) { queue, _ in
                let raw = try RawRedis(url: redis.url)
                let wait = Task { try await queue.wait(for: ["nobody"], upTo: .seconds(60)) }
                try await eventually("the server blocks it") {
                    try raw("INFO", "clients").text?.contains("blocked_clients:1") == true
                }
                let began = ContinuousClock.now

                wait.cancel()

                await #expect(throws: CancellationError.self) { try await wait.value }
                #expect(ContinuousClock.now - began < .seconds(5))
            }
        }
    }

    @Test func `that is cancelled before it began does not begin [B6]`() async throws {
        try await withQueue { queue, _ in
            let began = ContinuousClock.now
            let isCancelled = Gate()
            let wait = Task {
                await isCancelled.wait()
                try await queue.wait(for: ["nobody"], upTo: .seconds(60))
            }
            wait.cancel()
            isCancelled.open()

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
