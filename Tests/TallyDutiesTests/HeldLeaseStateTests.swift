import TallyCore
import Testing

@testable import TallyDuties

@Suite struct `A named lease, by its rules` {
    private let start = ContinuousClock.now
    private func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }
    private var taken: HeldLeaseState { HeldLeaseState(length: .seconds(30), asked: at(0), isWanted: false) }

    @Test func `ends a length after it was asked for, not after the answer`() {
        var state = taken
        #expect(state.isHeld(at: at(29)) && !state.isHeld(at: at(30)))

        state.renewed(.held(isWanted: false), asked: at(10), at: at(25))

        #expect(state.isHeld(at: at(39)) && !state.isHeld(at: at(40)))
        #expect(state.until == at(40))
    }

    @Test func `is not trusted again by an answer that came after its end`() {
        var state = taken

        state.renewed(.held(isWanted: true), asked: at(29), at: at(30))

        #expect(!state.isHeld(at: at(31)) && !state.isWanted)
    }

    @Test func `is lost at once to another's token, and no later answer brings it back`() {
        var state = taken

        state.renewed(.taken(by: "other"), asked: at(10), at: at(11))
        #expect(!state.isHeld(at: at(11)))

        state.renewed(.held(isWanted: false), asked: at(12), at: at(13))
        #expect(!state.isHeld(at: at(13)))
    }

    @Test func `says whether somebody waits for it, as the last answer did`() {
        var state = taken
        #expect(!state.isWanted)

        state.renewed(.held(isWanted: true), asked: at(10), at: at(11))
        #expect(state.isWanted)

        state.renewed(.held(isWanted: false), asked: at(20), at: at(21))
        #expect(!state.isWanted)
    }

    @Test func `is asked for in time for one answer to be lost, and not for two`() {
        let first = taken.renewal(after: at(0))
        let second = taken.renewal(after: first)
        let third = taken.renewal(after: second)

        #expect(first == at(10) && second == at(20) && taken.isHeld(at: second))
        #expect(third == at(30) && !taken.isHeld(at: third))
        // The first was waited for: a third of the length is what there is for that.
        #expect(taken.isHeld(at: taken.renewal(after: at(19))))
        #expect(!taken.isHeld(at: taken.renewal(after: at(20))))
    }
}
