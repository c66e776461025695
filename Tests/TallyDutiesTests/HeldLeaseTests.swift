import TallyCore
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties

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
