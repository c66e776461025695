import Synchronization
import TallyCore
import TallyMemory
import TallyTesting
import TestSupport
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

private struct Notes: JobObserver {
    let failures = Journal<String>()
    func dutyFailed(_ duty: String, _ error: any Error) { failures.append("\(duty): \(error)") }
}
private struct Broken: Error, CustomStringConvertible { let description = "broken" }

@Suite struct `The runner of duties` {
    private func running(_ runner: DutyRunner, _ body: () async throws -> Void) async throws {
        let task = Task { try await runner.run() }
        do { try await body() } catch {
            task.cancel()
            _ = await task.result
            throw error
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func `lets no duty that fails or hangs stop another`() async throws {
        let steps = Journal<Int>()
        let notes = Notes()
        let hung = Gate()
        let duties = [
            Duty("fails", pause: .afterStep(.milliseconds(1))) { throw Broken() },
            Duty("hangs", pause: .afterStep(.milliseconds(1))) {
                await hung.wait()
                return Duty.Step(0)
            },
            Duty("works", pause: .afterStep(.milliseconds(1))) {
                steps.append(1)
                return Duty.Step(1)
            },
        ]
        let runner = DutyRunner(duties, observer: notes)
        let task = Task { try await runner.run() }
        try await eventually("the third goes on") { steps.count >= 50 && notes.failures.count >= 2 }
        #expect(Set(notes.failures.all) == ["fails: broken"])
        task.cancel()
        hung.open()
        _ = await task.result
    }

    @Test func `cancels a step at its hard limit and goes on with the next`() async throws {
        let begun = Journal<Int>()
        let notes = Notes()
        let slow = Duty("slow", pause: .afterStep(.zero), limit: .milliseconds(20)) {
            begun.append(1)
            if begun.count == 1 { try await untilCancelled() }
            return Duty.Step(0)
        }
        try await running(DutyRunner([slow], observer: notes)) {
            try await eventually("the next step began") { begun.count > 1 }
        }
        #expect(notes.failures.all.contains { $0.hasPrefix("slow: a step took longer") })
    }

    @Test func `tells the register who has succeeded and why others have not`() async throws {
        let ledger = MemoryLedger()
        let duties = [
            Duty("works", pause: .afterStep(.milliseconds(1))) { Duty.Step(1) },
            Duty("fails", pause: .afterStep(.milliseconds(1)), silence: .zero) { throw Broken() },
        ]
        let runner = DutyRunner(duties, holder: "here", register: ledger)
        try await running(runner) {
            try await eventually("it is told") { try await ledger.duties().count == 2 }
        }
        // The first report may come before the first step.
        try await running(runner) {
            try await eventually("each stands there") {
                let all = try await ledger.duties()
                return all.map(\.name) == ["fails", "works"] && all[0].holder == "here"
            }
        }
    }

    @Test func `runs what must be alone in one process at a time`() async throws {
        let ledger = MemoryLedger()
        let inside = Mutex(0)
        let most = Journal<Int>()
        let alone = Duty("alone", pause: .afterStep(.zero), isAlone: true) {
            most.append(
                inside.withLock {
                    $0 += 1
                    return $0
                })
            await Task.yield()
            inside.withLock { $0 -= 1 }
            return Duty.Step(1)
        }
        try await running(DutyRunner([alone], leases: ledger)) {
            try await running(DutyRunner([alone], leases: ledger)) {
                try await eventually("they took turns") { most.count > 100 }
            }
        }
        #expect(most.all.allSatisfy { $0 == 1 })
    }
}

@Suite struct `A named lease` {
    private func wish(_ token: JobID = JobID(), isUrgent: Bool = false) -> LeaseWish {
        LeaseWish(name: "n", token: token, holder: "h", length: Limits.dutyLease, isUrgent: isUrgent)
    }

    @Test func `that another process took cancels its work, and says so`() async throws {
        let clock = ManualClock()
        let ledger = MemoryLedger(clock: clock.reading)
        let lease = try #require(
            try await HeldLease.take(
                LeaseWish(name: "n", token: JobID(), holder: "h", length: .milliseconds(300)), from: ledger))
        clock.advance(by: .seconds(1))
        #expect(try await ledger.lease(wish()) == .held(isWanted: false))

        await #expect(throws: HeldLease.Lost.self) {
            try await lease.during { try await untilCancelled() }
        }
        #expect(throws: HeldLease.Lost.self) { try lease.check() }
    }

    @Test func `is renewed for as long as its work lasts, and given back however that ends`() async throws {
        let ledger = MemoryLedger()
        let lease = try #require(
            try await HeldLease.take(
                LeaseWish(name: "n", token: JobID(), holder: "h", length: .milliseconds(200)), from: ledger))
        let began = ContinuousClock.now
        try await lease.during {
            try await eventually("its length has passed twice") {
                let answer = try await ledger.lease(wish())
                #expect(answer == .taken(by: "h"))
                return .now - began > .milliseconds(400)
            }
        }
        #expect(try await ledger.lease(wish()) == .held(isWanted: false))
    }

    @Test func `tells its holder that somebody waits for it`() async throws {
        let ledger = MemoryLedger()
        let (one, other) = (JobID(), JobID())
        #expect(try await ledger.lease(wish(one)) == .held(isWanted: false))
        #expect(try await ledger.lease(wish(other)) == .taken(by: "h"))
        #expect(try await ledger.lease(wish(one)) == .held(isWanted: false))
        #expect(try await ledger.lease(wish(other, isUrgent: true)) == .taken(by: "h"))
        #expect(try await ledger.lease(wish(one)) == .held(isWanted: true))
        try await ledger.endLease("n", token: one)
        #expect(try await ledger.lease(wish(other)) == .held(isWanted: false))
    }
}
