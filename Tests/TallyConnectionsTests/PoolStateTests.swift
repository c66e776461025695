import Testing

@testable import TallyConnections

@Suite struct `A pool, by its rules` {
    /// A class, since an expectation may not change a value.
    private final class State {
        private var rules: PoolState<String>
        init(_ settings: PoolSettings) { rules = PoolState(settings) }
        func put(_ work: String) -> (id: Int, entry: PoolState<String>.Entry) { rules.put(work) }
        func remove(_ id: Int) -> String? { rules.remove(id) }
        func next(hasConnection: Bool, idleSince: Int64, now: Int64) -> PoolState<String>.Step {
            rules.next(hasConnection: hasConnection, idleSince: idleSince, now: now)
        }
        func fellAsleep() { rules.fellAsleep() }
        func opened() { rules.opened() }
        func didNotStart() -> [String] { rules.didNotStart() }
        func openFailed(now: Int64, random: Double) -> [String] { rules.openFailed(now: now, random: random) }
        func ended(hadConnection: Bool) { rules.ended(hadConnection: hadConnection) }
        func close() { rules.close() }
        var hasEnded: Bool { rules.hasEnded }
    }
    private let settings = PoolSettings(
        size: 2, waiting: 5, idle: .seconds(300), reopenBase: .milliseconds(50), reopenCap: .milliseconds(500)
    )

    /// In words, for comparing.
    private func said(_ step: PoolState<String>.Step) -> String {
        switch step {
        case .work(let work, let opens): opens ? "open for \(work)" : work
        case .sleep(let until): "sleep until \(until.map(String.init) ?? "woken")"
        case .end: "end"
        }
    }

    @Test func `starts a thread for work that a sleeping one cannot take as well`() {
        let state = State(settings)
        #expect(state.put("a").entry == .taken(startsThread: true))
        _ = state.next(hasConnection: false, idleSince: 0, now: 0)
        state.opened()
        _ = state.next(hasConnection: true, idleSince: 0, now: 0)
        state.fellAsleep()

        #expect(state.put("b").entry == .taken(startsThread: false))
        #expect(state.put("c").entry == .taken(startsThread: true))
        #expect(state.put("d").entry == .waits, "both are taken")
    }

    @Test func `tells all that wait where no thread can be started, and lets them wait for one that serves`()
    {
        let alone = State(settings)
        for name in ["a", "b", "c"] { _ = alone.put(name) }
        #expect(alone.didNotStart().isEmpty, "the other one may start yet")
        #expect(alone.didNotStart() == ["a", "b", "c"])
        #expect(alone.hasEnded)
        #expect(alone.put("d").entry == .taken(startsThread: true), "the next caller tries again")

        let served = State(settings)
        _ = served.put("a")
        #expect(said(served.next(hasConnection: false, idleSince: 0, now: 0)) == "open for a")
        served.opened()
        #expect(served.put("b").entry == .taken(startsThread: true))
        #expect(served.didNotStart().isEmpty)
        #expect(said(served.next(hasConnection: true, idleSince: 0, now: 0)) == "b")
    }

    @Test func `lets no more wait than may, and serves those in their order`() {
        let state = State(settings)
        let entries = ["a", "b", "c", "d", "e", "f"].map { state.put($0).entry }
        #expect(
            entries == [
                .taken(startsThread: true), .taken(startsThread: true), .waits, .waits, .waits, .full,
            ])

        #expect(said(state.next(hasConnection: false, idleSince: 0, now: 0)) == "open for a")
        state.opened()
        #expect(state.put("g").entry == .waits, "there is room again")
        #expect(state.put("h").entry == .full)
        let served = (0..<5).map { _ in said(state.next(hasConnection: true, idleSince: 0, now: 0)) }
        #expect(served == ["b", "c", "d", "e", "g"])
    }

    @Test func `serves in order of arrival, whoever gave up left out`() {
        let state = State(settings)
        let ids = ["a", "b", "c", "d"].map { state.put($0).id }
        #expect(state.remove(ids[2]) == "c")
        #expect(state.remove(ids[2]) == nil)

        #expect(said(state.next(hasConnection: false, idleSince: 0, now: 0)) == "open for a")
        state.opened()
        #expect(state.remove(ids[0]) == nil, "it is being served")
        #expect(said(state.next(hasConnection: true, idleSince: 0, now: 0)) == "b")
        #expect(said(state.next(hasConnection: true, idleSince: 0, now: 0)) == "d")
    }

    @Test func `tries to connect one at a time and with growing pauses while nobody is let in`() {
        let state = State(settings)
        for name in ["a", "b", "c"] { _ = state.put(name) }
        #expect(said(state.next(hasConnection: false, idleSince: 0, now: 0)) == "open for a")
        #expect(state.openFailed(now: 0, random: 1) == ["b", "c"], "no connection could serve them")
        _ = state.put("d")
        _ = state.put("e")

        #expect(said(state.next(hasConnection: false, idleSince: 0, now: 10)) == "sleep until 50000")
        #expect(said(state.next(hasConnection: false, idleSince: 0, now: 50_000)) == "open for d")
        #expect(said(state.next(hasConnection: false, idleSince: 0, now: 50_000)) == "sleep until woken")
        var pauses: [Int64] = []
        for _ in 0..<6 {
            _ = state.openFailed(now: 0, random: 1)
            _ = state.put("f")
            guard case .sleep(let until?) = state.next(hasConnection: false, idleSince: 0, now: 0) else {
                break
            }
            pauses.append(until)
            _ = state.next(hasConnection: false, idleSince: 0, now: until)
        }
        #expect(pauses == [100_000, 200_000, 400_000, 500_000, 500_000, 500_000])
        state.opened()
        _ = state.put("g")
        #expect(said(state.next(hasConnection: false, idleSince: 0, now: 0)) == "open for g", "at once again")
    }

    @Test func `leaves those that wait to the connections that stand`() {
        let state = State(settings)
        for name in ["a", "b", "c"] { _ = state.put(name) }
        _ = state.next(hasConnection: false, idleSince: 0, now: 0)
        state.opened()
        _ = state.next(hasConnection: false, idleSince: 0, now: 0)

        #expect(state.openFailed(now: 0, random: 1).isEmpty, "too many connections, say")
        #expect(said(state.next(hasConnection: true, idleSince: 0, now: 1)) == "c")
    }

    @Test func `closes what stands unused for too long, and not before its connection is gone says so`() {
        let state = State(settings)
        _ = state.put("a")
        _ = state.next(hasConnection: false, idleSince: 0, now: 0)
        state.opened()
        #expect(said(state.next(hasConnection: true, idleSince: 7, now: 8)) == "sleep until 300000007")
        #expect(said(state.next(hasConnection: true, idleSince: 7, now: 300_000_007)) == "end")
        #expect(!state.hasEnded)

        #expect(state.put("b").entry == .taken(startsThread: true), "the one that leaves takes nothing more")
        state.ended(hadConnection: true)
        #expect(!state.hasEnded)
    }

    @Test func `takes nobody more once closed, and serves who waits at once`() {
        let state = State(settings)
        _ = state.put("a")
        _ = state.next(hasConnection: false, idleSince: 0, now: 0)
        _ = state.openFailed(now: 0, random: 1)
        _ = state.put("b")
        state.close()

        #expect(state.put("c").entry == .refused)
        #expect(said(state.next(hasConnection: false, idleSince: 0, now: 1)) == "open for b")
        state.opened()
        #expect(said(state.next(hasConnection: true, idleSince: 0, now: 1)) == "end")
        state.ended(hadConnection: true)
        _ = state.next(hasConnection: false, idleSince: 0, now: 1)
        state.ended(hadConnection: false)
        #expect(state.hasEnded)
    }
}
