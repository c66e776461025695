import Testing

@testable import TallyCore

@Suite struct `What decides which queue is the ledger's` {
    private func reading(
        _ id: String?, _ epoch: Int64 = 10, _ server: String = "r1", _ place: String = "a",
        past: [Int64] = []
    ) -> QueueIdentity {
        QueueIdentity(id: id, epoch: epoch, past: past, server: server, place: place, ledger: nil)
    }
    private func verdict(
        _ reading: QueueIdentity, seen: Duration = .seconds(3600), former: [KnownQueue] = [],
        isAdopting: Bool = false
    ) -> PairingVerdict {
        let known = KnownQueue(id: "q", epoch: 10, server: "r1", places: ["a", "b"], seen: seen)
        return .of(reading, [known] + former, fresh: "new", isAdopting: isAdopting)
    }
    private let known = KnownQueue(
        id: "q", epoch: 10, server: "r1", places: ["a", "b"], seen: .seconds(3600))
    private let former = KnownQueue(
        id: "old", epoch: 5, server: "r0", places: ["c"], seen: .seconds(9999), gaveWayTo: 10)

    @Test func `the first queue becomes it, under its own id where it has one`() {
        #expect(PairingVerdict.of(reading(nil), [], fresh: "new", isAdopting: false) == .becomes(id: "new"))
        #expect(PairingVerdict.of(reading("x"), [], fresh: "new", isAdopting: false) == .becomes(id: "x"))
    }

    @Test func `it is known by its id wherever it is reached and after any restart`() {
        #expect(verdict(reading("q")) == .known)
        #expect(verdict(reading("q", 11, "r2", "b", past: [10, 11]), seen: .zero) == .known)
        #expect(verdict(reading("q", 13, "r4", "b", past: [9, 10, 12, 13]), seen: .zero) == .known)
        #expect(verdict(reading("q", 11, "r2", "elsewhere", past: [10, 11])) == .known)
        // A program that keeps no epochs began it.
        #expect(verdict(reading("q", 11, "r2", "b"), seen: .zero) == .known)
    }

    @Test func `a copy that went on by itself is refused, however late its epoch, until a person says so`() {
        for copy in [
            reading("q", 11, "r2", "a", past: [9, 11]), reading("q", 13, "r3", "d", past: [8, 11, 13]),
        ] {
            #expect(verdict(copy) == .gaveWay(to: 10))
            #expect(verdict(copy, isAdopting: true) == .known)
        }
    }

    @Test func `one that went on elsewhere waits until the known one is not reported any more`() {
        let replica = reading("q", 11, "r2", "elsewhere", past: [10, 11])
        #expect(verdict(replica, seen: .zero) == .stillLives)
        #expect(verdict(replica, seen: Limits.queueLives) == .known)
    }

    @Test func `the same server process is the same queue whatever it lost`() {
        #expect(verdict(reading(nil, 11), seen: .zero) == .becomes(id: "new"))
        #expect(verdict(reading("old", 11), seen: .zero, former: [former]) == .becomes(id: "old"))
        // Its id was decided, and not written yet.
        #expect(verdict(reading(nil, 10), seen: .zero) == .becomes(id: "q"))
    }

    @Test func `an empty one at a known place is the same once the old one is not reported any more`() {
        #expect(verdict(reading(nil, 11, "r2", "b"), seen: .zero) == .stillLives)
        #expect(verdict(reading(nil, 11, "r2", "b"), seen: Limits.queueLives) == .becomes(id: "new"))
    }

    @Test func `an empty one at another place, or one with another id, is refused until a person says so`() {
        for other in [reading(nil, 11, "r2", "d"), reading("x", 11, "r2", "d")] {
            #expect(verdict(other) == .another(known: known))
            #expect(verdict(other, isAdopting: true) == .becomes(id: other.id ?? "new"))
        }
    }

    @Test func `a person's word counts once the known one is not reported any more`() {
        for other in [reading(nil, 11, "r2", "d"), reading("x", 11, "r2", "d"), reading("q", 9, "r0", "a")] {
            #expect(verdict(other, seen: .zero, isAdopting: true) == .stillLives)
        }
        #expect(verdict(reading("q"), seen: .zero, isAdopting: true) == .known)
    }

    @Test func `one that gave way, and a copy that stands in an older history, are refused`() {
        #expect(verdict(reading("old", 5, "r0", "c"), former: [former]) == .gaveWay(to: 10))
        #expect(verdict(reading("q", 9, "r0", "a")) == .gaveWay(to: 10))
    }
}
