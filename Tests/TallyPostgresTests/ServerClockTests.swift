import Synchronization
import TallyCore
import TestSupport
import Testing

@testable import TallyPostgres

@Suite(.timeLimit(.minutes(1))) struct `A clock of a server` {
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

    private func untilWaiting(_ count: Int, _ clock: ServerClock) async throws {
        try await eventually("\(count) wait") { clock.asking == count }
    }

    @Test func `is asked once by all who need it at once`() async throws {
        let (clock, server) = (ServerClock(), Server())
        let callers = (0..<100).map { _ in ask(clock, server) }
        await server.untilAsked()
        try await untilWaiting(100, clock)
        server.answer(.success(Self.time))
        for caller in callers { #expect(try await caller.value == Self.time) }
        #expect(server.asked == 1 && clock.now != nil)
    }

    @Test func `is not waited for by who was cancelled, who ends the question of nobody else`() async throws {
        let (clock, server) = (ServerClock(), Server())
        let first = ask(clock, server)
        await server.untilAsked()
        let second = ask(clock, server)
        try await untilWaiting(2, clock)
        first.cancel()
        #expect(await code(first) == .cancelled)
        server.answer(.success(Self.time))
        #expect(try await second.value == Self.time)
        #expect(server.asked == 1)
    }

    @Test func `is asked once more by who shared a question that failed, and anew by the next`() async throws
    {
        let (clock, server) = (ServerClock(), Server())
        let first = ask(clock, server)
        await server.untilAsked()
        let second = ask(clock, server)
        try await untilWaiting(2, clock)
        server.answer(.failure(LedgerError(.transient, "clock", "all connections were in use")))
        #expect(await code(first) == .transient)
        await server.untilAsked()
        server.answer(.failure(LedgerError(.transient, "clock", "all connections were in use")))
        #expect(await code(second) == .transient)
        let next = ask(clock, server)
        await server.untilAsked()
        server.answer(.success(Self.time))
        #expect(try await next.value == Self.time)
        #expect(server.asked == 3)
    }

    @Test func `that was read a moment ago is not asked`() async throws {
        let (clock, server) = (ServerClock(), Server())
        _ = clock.note(Self.time)
        #expect(try await ask(clock, server).value >= Self.time)
        #expect(server.asked == 0)
    }

    private func code(_ asking: Task<Timestamp, any Error>) async -> LedgerError.Code? {
        do {
            _ = try await asking.value
            return nil
        } catch { return (error as? LedgerError)?.code }
    }
}
