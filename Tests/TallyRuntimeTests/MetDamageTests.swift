import TallyCore
import TallyMemory
import TallyTesting
import TestSupport
import Testing

@testable import TallyRuntime

@Suite struct `Damage that an end meets` {
    private let start = ContinuousClock.now

    /// Whether it is final after each try; they begin at these parts of `Limits.foreignKey`, in hundredths.
    private func finals(_ tries: [Int]) -> [Bool] {
        var damage = MetDamage()
        return tries.map { hundredths in
            damage.meet(at: start + Limits.foreignKey * hundredths / 100)
            return damage.isFinal
        }
    }

    @Test func `is not final while its lane may still have the connection of the first time`() {
        #expect(finals([0, 3, 10, 25, 60, 99]) == [false, false, false, false, false, false])
        // This one may be what makes the lane give its connection up.
        #expect(finals([0, 100]) == [false, false])
        #expect(finals([0, 99, 250]) == [false, false, false])
    }

    @Test func `is final once a try behind that meets it too`() {
        #expect(finals([0, 100, 101]) == [false, false, true])
        #expect(finals([0, 60, 140, 141, 500]) == [false, false, false, true, true])
    }

    /// Leasing that breaks off at the keys of whatever fails.
    private struct Damaged: ForwardingLeases {
        let leases: any Leasing
        let tries = Journal<ContinuousClock.Instant>()
        let met = Gate()

        func settle(_ settlements: [Settlement]) async throws(QueueError) -> [SettleAnswer] {
            guard settlements.contains(where: { $0.verb == .fail }) else {
                return try await leases.settle(settlements)
            }
            tries.append(.now)
            met.open()
            throw QueueError(.damaged, "settle")
        }
    }

    @Test func `is told where it stays, once its lane has had a new connection, and holds up no other`()
        async throws
    {
        let queue = MemoryQueue()
        _ = try await queue.push((0..<2).map { _ in Push(JobRecord(type: "t")) }, issued: nil)
        let held = try await queue.reserve(ReserveWish([.default], limit: 2, worker: WorkerID("w")))
        try #require(held.jobs.count == 2)
        let leases = held.jobs.map(\.lease)
        let damaged = Damaged(leases: queue)
        let lane = SettleLane(queue: damaged, observer: SilentObserver())
        let told = Journal<String>()
        func add(_ end: Settlement) {
            lane.add(
                OwedSettlement(settlement: end, deadline: .now + .seconds(60)) { answer in
                    switch answer {
                    case .success: told.append("taken")
                    case .failure(let error): told.append(error.code.rawValue)
                    }
                })
        }

        add(.fail(leases[0], attempts: 1, error: "e"))
        await damaged.met.wait()
        add(.ack(leases[1]))
        await lane.drain()

        #expect(told.all == ["taken", "damaged"])
        let tries = damaged.tries.all
        let (first, last) = (try #require(tries.first), try #require(tries.last))
        #expect(tries.count > 3 && last - first > Limits.foreignKey)
    }
}
