import Synchronization
import TallyCore
import TallyMemory
import TestSupport
import Testing

@testable import TallyDuties

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
