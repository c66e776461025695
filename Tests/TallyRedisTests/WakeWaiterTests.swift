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

    @Test func `is refused at once where as many wait as may, and those that wait are not disturbed`()
        async throws
    {
        try await PrivateRedis.with { redis in
            let raw = try RawRedis(url: redis.url)
            let configuration = try RedisConfiguration(url: redis.url)
            let waits = WakeWaiter(configuration, prefix: "p", size: 1, waiting: 1)
            let (ends, teller) = AsyncStream.makeStream(of: String.self)
            func wait() -> Task<Void, Never> {
                Task {
                    do {
                        try await waits.wait(for: ["nobody"], upTo: .seconds(60))
                        teller.yield("woken")
                    } catch let error as QueueError {
                        teller.yield("\(error.code) \(error.mayRetry)")
                    } catch {
                        teller.yield("cancelled")
                    }
                }
            }
            var heard = ends.makeAsyncIterator()
            var tasks = [wait()]
            try await eventually("the server blocks it") {
                try raw("INFO", "clients").text?.contains("blocked_clients:1") == true
            }

            // Whichever of the two comes first waits.
            tasks += [wait(), wait()]
            let first = await heard.next()
            #expect(first == "full true")
            for task in tasks { task.cancel() }
            let others = [await heard.next(), await heard.next()]

            #expect(others == ["cancelled", "cancelled"])
            await waits.close()
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
