import TallyCore
import Testing

@testable import TallyAdmin

@Suite struct `Whether an older serve runs` {
    /// Of a duty that is silent where it has not succeeded for a minute.
    private func duty(
        _ holder: String, succeeded: Duration?, reported: Duration?, known: Duration = .seconds(3600)
    ) -> DutyStanding {
        DutyStanding(
            name: "mirror", silence: .seconds(60), succeeded: succeeded, known: known, error: "",
            holder: holder, reported: reported)
    }

    private func named(_ duties: DutyStanding...) -> [String] { PausedTypeNotice.olderHolders(duties) }

    @Test func `is told by when it reported, and not by when it succeeded`() {
        let attic = ["the duties of attic:8"]
        for succeeded in [nil, .zero, .seconds(600)] as [Duration?] {
            #expect(named(duty("attic:8", succeeded: succeeded, reported: Limits.dutyReported)) == attic)
            let ended = Limits.dutyReported + .seconds(1)
            #expect(named(duty("attic:8", succeeded: succeeded, reported: ended)).isEmpty)
        }
    }

    @Test func `is told by the last success where no store keeps when it reported`() {
        let attic = ["the duties of attic:8"]
        #expect(named(duty("attic:8", succeeded: .seconds(5), reported: nil)) == attic)
        #expect(named(duty("attic:8", succeeded: .seconds(600), reported: nil)).isEmpty)
        #expect(named(duty("attic:8", succeeded: nil, reported: nil)).isEmpty)
        #expect(named(duty("attic:8", succeeded: nil, reported: nil, known: .seconds(5))) == attic)
    }

    @Test func `is told once a process, and of none that says its version`() {
        let all = named(
            duty("b:2", succeeded: nil, reported: .zero), duty("", succeeded: nil, reported: .zero),
            duty("b:2", succeeded: .zero, reported: .zero),
            duty("c:3 (0.0.1)", succeeded: nil, reported: .zero),
            duty("(0.0.1)", succeeded: nil, reported: .zero))
        #expect(all == ["the duties of a process", "the duties of b:2"])
    }
}
