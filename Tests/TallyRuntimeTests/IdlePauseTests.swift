import TallyCore
import Testing

@testable import TallyRuntime

@Suite struct `An idle worker` {
    private let now = Timestamp(microseconds: 1_000_000_000)

    private func pause(
        _ workers: Int, next: Duration? = nil, isHeld: Bool = false, random: Double = 0.5
    ) -> Duration {
        IdlePause.after(
            Reservation(
                jobs: [], nextEvent: next.map { now + $0 }, now: now, isHeld: isHeld, workers: workers),
            random: random)
    }

    @Test func `that is alone asks again just when something falls due, and now and then anyway`() {
        #expect(pause(1, next: .seconds(2)) == .seconds(2) + .microseconds(500))
        #expect(pause(1, next: .seconds(60)) <= Limits.idleWait)
        #expect(pause(1) <= Limits.idleWait && pause(1) >= Limits.idleWait * 0.8)
        #expect(pause(1, next: .seconds(-9)) < .milliseconds(20), "what is overdue is asked for at once")
    }

    @Test(arguments: [nil, .zero, .milliseconds(10), .seconds(600)] as [Duration?], [false, true])
    func `of a thousand asks so rarely that all of them cost less than 500 calls a second`(
        _ next: Duration?, _ isHeld: Bool
    ) {
        let steps = 1000
        let total = (0..<steps).reduce(Duration.zero) {
            $0 + pause(1000, next: next, isHeld: isHeld, random: (Double($1) + 0.5) / Double(steps))
        }
        let asks = 1000 / (total.seconds / Double(steps))
        let heartbeats = 1000 / (Limits.lease.seconds / Double(Limits.heartbeatsPerLease))

        // An ask is a reserve and a blocking wait.
        #expect(2 * asks + heartbeats < 500, "\(asks) asks a second")
    }

    @Test func `of many does not ask at the same moment as the others`() {
        let pauses = Set((0..<100).map { pause(1000, next: .zero, random: Double($0) / 100) })

        #expect(pauses.count == 100)
    }
}
