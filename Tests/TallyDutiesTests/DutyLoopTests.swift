import TallyCore
import Testing

@testable import TallyDuties

private func duty(
    pause: Duty.Pause = .afterStep(.seconds(10)), delay: Duration = .zero, silence: Duration = .seconds(60),
    isAlone: Bool = false
) -> Duty {
    Duty("d", pause: pause, delay: delay, silence: silence, isAlone: isAlone) { Duty.Step(0) }
}

@Suite struct `The loop of a duty` {
    @Test func `begins after its delay, and then after each pause`() {
        var loop = DutyLoop(duty(delay: .seconds(3)))
        #expect(loop.next(at: .zero) == .rest(until: .seconds(3)))
        #expect(loop.next(at: .seconds(3)) == .step)
        loop.ended(Duty.Step(1), began: .seconds(3), at: .seconds(5))
        #expect(loop.next(at: .seconds(5)) == .rest(until: .seconds(15)))
    }

    @Test func `with a period counts from the beginning of the step`() {
        var loop = DutyLoop(duty(pause: .ofPeriod(.seconds(10))))
        loop.ended(Duty.Step(1), began: .seconds(3), at: .seconds(5))
        #expect(loop.next(at: .seconds(5)) == .rest(until: .seconds(13)))
    }

    @Test func `goes on at once while more waits`() {
        var loop = DutyLoop(duty())
        loop.ended(Duty.Step(1, isMore: true), began: .zero, at: .seconds(5))
        #expect(loop.next(at: .seconds(5)) == .step)
    }

    @Test func `backs off further with each failure, within the cap, and no longer after a success`() {
        var loop = DutyLoop(duty())
        var now = Duration.seconds(1)
        var rests: [Duration] = []
        for _ in 0..<12 {
            loop.failed("e", at: now)
            guard case .rest(let until) = loop.next(at: now) else { break }
            rests.append(until - now)
            now = until
        }
        #expect(rests.count == 12 && rests.allSatisfy { $0 <= Limits.retryStoreCap * 1.5 })
        #expect(rests[0] <= Limits.retryStoreBase * 1.5 && rests[11] > rests[0] * 4)
        #expect(loop.error == "e" && loop.lastSuccess == nil)

        loop.ended(Duty.Step(0), began: now, at: now)
        #expect(loop.error == "" && loop.lastSuccess == now)
        loop.failed("e", at: now)
        guard case .rest(let until) = loop.next(at: now) else { return }
        #expect(until - now <= Limits.retryStoreBase * 1.5)
    }

    @Test func `that must be alone asks for its lease before each step`() {
        var loop = DutyLoop(duty(isAlone: true))
        #expect(loop.next(at: .zero) == .askForLease)
        loop.leased()
        #expect(loop.next(at: .zero) == .step)
        loop.ended(Duty.Step(0), began: .zero, at: .zero)
        #expect(loop.next(at: .seconds(10)) == .askForLease)
    }

    @Test func `asks again within a lease's length when somebody else holds it, and calls that no success`() {
        var loop = DutyLoop(duty(pause: .afterStep(.seconds(3600)), isAlone: true))
        loop.refused(at: .seconds(1))
        #expect(loop.next(at: .seconds(1)) == .rest(until: .seconds(1) + Limits.dutyLease))
        #expect(loop.lastSuccess == nil)
        loop.ended(.elsewhere, began: .seconds(6), at: .seconds(6))
        #expect(loop.lastSuccess == nil)
    }

    @Test func `alarms once when its limit of silence has passed, and once after each further limit`() {
        var loop = DutyLoop(duty(silence: .seconds(60)))
        func alarms(_ seconds: [Int]) -> [Int] { seconds.filter { loop.isAlarm(at: .seconds($0)) } }
        #expect(alarms([60, 61, 62, 121, 122]) == [61, 122])
        loop.ended(Duty.Step(0), began: .seconds(130), at: .seconds(130))
        #expect(alarms([190, 191]) == [191])
    }
}
