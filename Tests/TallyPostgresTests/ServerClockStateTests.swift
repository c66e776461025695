import TallyCore
import Testing

@testable import TallyPostgres

@Suite struct `What is known of a server's clock` {
    private typealias State = ServerClockState<String>
    private static let server = Timestamp(microseconds: 1_700_000_000_000_000)
    private let own = ContinuousClock.now

    /// In a word: what a caller is to do, or what it is told.
    private func part(_ part: State.Part) -> String {
        switch part {
        case .asks: "asks"
        case .waits: "waits"
        case .knows(.success(let now)): "is told \((now - Self.server).microseconds) µs"
        case .knows(.failure(let error)): "\(error.code)"
        }
    }

    @Test(
        arguments: [
            (.zero, server),
            (.milliseconds(1), server + .milliseconds(1)),
            (Limits.verify, server + Limits.verify),
            (Limits.verify + .microseconds(1), nil),
        ] as [(Duration, Timestamp?)])
    func `grows with this machine's own clock, until it is too old`(_ age: Duration, _ now: Timestamp?) {
        var state = State()
        #expect(state.now(at: own) == nil)

        state.note(Self.server, at: own)

        #expect(state.now(at: own + age) == now)
        let expected = now.map { "is told \(($0 - Self.server).microseconds) µs" } ?? "asks"
        #expect(part(state.join(state.number(), "a", at: own + age)) == expected)
        #expect(state.asking == (now == nil ? 1 : 0))
    }

    @Test func `is asked for by the first who comes, and answered to all who still wait`() {
        var state = State()
        let ids = (0..<4).map { _ in state.number() }
        #expect(Set(ids).count == 4)

        #expect(part(state.join(ids[0], "a", at: own)) == "asks")
        #expect(part(state.join(ids[1], "b", at: own)) == "waits")
        #expect(part(state.join(ids[2], "c", at: own)) == "waits")
        #expect(state.leave(ids[1]) == "b")
        #expect(state.leave(ids[1]) == nil, "it has left")
        #expect(state.leave(ids[3]) == nil, "it has not come")
        #expect(state.asking == 2)
        #expect(state.end().sorted() == ["a", "c"])

        #expect(state.asking == 0)
        #expect(state.end() == [])
        #expect(state.leave(ids[0]) == nil)
        #expect(part(state.join(ids[3], "d", at: own)) == "asks", "the question before is answered")
    }

    @Test func `is still asked for when all who waited have left, and by nobody a second time`() {
        var state = State()
        let (first, second) = (state.number(), state.number())
        #expect(part(state.join(first, "a", at: own)) == "asks")
        #expect(state.leave(first) == "a")

        #expect(state.asking == 0)
        #expect(part(state.join(second, "b", at: own)) == "waits")
        #expect(state.end() == ["b"])
    }

    @Test func `is waited for by so many as there is room for, and one who leaves makes some`() {
        var state = State()
        let ids = (0..<Limits.poolCallsWaiting).map { _ in state.number() }
        for id in ids { _ = state.join(id, "a", at: own) }

        #expect(state.asking == Limits.poolCallsWaiting)
        #expect(part(state.join(state.number(), "b", at: own)) == "transient")
        #expect(state.leave(ids[7]) == "a")
        #expect(part(state.join(state.number(), "c", at: own)) == "waits")

        state.note(Self.server, at: own)
        #expect(part(state.join(state.number(), "d", at: own)) == "is told 0 µs")
    }
}
