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

    /// Leasing that breaks off at the keys of every end.
    private struct Damaged: ForwardingLeases {
        let leases: any Leasing
        let sent = Journal<ContinuousClock.Instant>()

        func settle(_ settlements: [Settlement]) async throws(QueueError) -> [SettleAnswer] {
            sent.append(.now)
            throw QueueError(.damaged, "settle")
        }
    }

    @Test func `is told where it stays, and not before its lane has had a new connection`() async throws {
        let queue = MemoryQueue()
        _ = try await queue.push([Push(JobRecord(type: "t"))], issued: nil)
        let held = try await queue.reserve(ReserveWish([.default], limit: 1, worker: WorkerID("w")))
        let lease = try #require(held.jobs.first).lease
        let damaged = Damaged(leases: queue)
        let lane = SettleLane(queue: damaged, observer: SilentObserver())
        let told = Journal<QueueError.Code>()

        lane.add(
            OwedSettlement(settlement: .ack(lease), deadline: .now + .seconds(60)) { answer in
                if case .failure(let error) = answer { told.append(error.code) }
            })
        await lane.drain()

        let tries = damaged.sent.all
        let (first, last) = (try #require(tries.first), try #require(tries.last))
        #expect(told.all == [.damaged] && tries.count > 3 && last - first > Limits.foreignKey)
    }
}
