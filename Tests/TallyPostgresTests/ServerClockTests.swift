import Synchronization
import TallyCore
import Testing

@testable import TallyPostgres

@Suite struct ServerClockTests {
    /// A question that is answered when the test says so, and counts how often it was asked.
    private final class Server: Sendable {
        private let state = Mutex<(asked: Int, open: [CheckedContinuation<ServerClock.Answer, Never>])>(
            (0, []))
        private let started = AsyncStream<Void>.makeStream()

        var asked: Int { state.withLock { $0.asked } }

        func question() async throws(LedgerError) -> Timestamp {
            let answer = await withCheckedContinuation { caller in
                state.withLock { state in
                    state.asked += 1
                    state.open.append(caller)
                }
                started.continuation.yield()
            }
            return try answer.get()
        }

        func untilAsked() async { for await _ in started.stream { return } }

        func answer(_ answer: ServerClock.Answer) {
            let open = state.withLock { state in
                defer { state.open = [] }
                return state.open
            }
            for caller in open { caller.resume(returning: answer) }
        }
    }

    private static let time = Timestamp(microseconds: 1_700_000_000_000_000)

    private func ask(_ clock: ServerClock, _ server: Server) -> Task<Timestamp, any Error> {
        Task { try await clock.ask { () throws(LedgerError) in try await server.question() } }
    }

    private func untilWaiting(_ count: Int, _ clock: ServerClock) async {
        while clock.asking < count { await Task.yield() }
    }

    @Test func callersThatNeedTheClockAtOnceShareOneQuestion() async throws {
        let (clock, server) = (ServerClock(), Server())
        let callers = (0..<100).map { _ in ask(clock, server) }
        await untilWaiting(100, clock)
        server.answer(.success(Self.time))
        for caller in callers { #expect(try await caller.value == Self.time) }
        #expect(server.asked == 1 && clock.now != nil)
    }

    @Test func aCallerThatIsCancelledWaitsNoLongerAndEndsNobodyElsesQuestion() async throws {
        let (clock, server) = (ServerClock(), Server())
        let first = ask(clock, server)
        await server.untilAsked()
        let second = ask(clock, server)
        await untilWaiting(2, clock)
        first.cancel()
        await #expect(throws: LedgerError.self) { try await first.value }
        server.answer(.success(Self.time))
        #expect(try await second.value == Self.time)
        #expect(server.asked == 1)
    }

    @Test func aQuestionThatFailsFailsThoseWhoSharedItAndTheNextAsksAnew() async throws {
        let (clock, server) = (ServerClock(), Server())
        let first = ask(clock, server)
        await server.untilAsked()
        server.answer(.failure(LedgerError(.unavailable, "clock", "gone")))
        await #expect(throws: LedgerError.self) { try await first.value }
        let next = ask(clock, server)
        await server.untilAsked()
        server.answer(.success(Self.time))
        #expect(try await next.value == Self.time)
        #expect(server.asked == 2)
    }
}
