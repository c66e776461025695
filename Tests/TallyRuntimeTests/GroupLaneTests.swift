import TallyCore
import TestSupport
import Testing

@testable import TallyRuntime

@Suite struct `A lane of batches` {
    private func lane(waiting: Int = .max) -> GroupLane<Int> {
        GroupLane(.init(count: 100, bytes: 1000, shippers: 1, waiting: waiting))
    }

    /// One whose batches are shipped once its gate is open.
    private struct HeldLane {
        let lane: GroupLane<Int>
        let reached = Gate()
        let gate = Gate()
        let shipped = Journal<[Int]>()

        init(_ lane: GroupLane<Int>) { self.lane = lane }

        func add(_ item: Int) -> Bool {
            lane.add(item, bytes: 1) { [reached, gate, shipped] batch in
                reached.open()
                await gate.wait()
                shipped.append(batch)
            }
        }
    }

    @Test func `ships what comes while a batch is under way together, in its order`() async {
        let held = HeldLane(lane())

        #expect(held.add(0))
        await held.reached.wait()
        let areAdded = (1...50).allSatisfy { held.add($0) }
        #expect(areAdded)
        held.gate.open()
        await held.lane.drain()

        #expect(held.shipped.all == [[0], Array(1...50)])
    }

    @Test func `takes nothing more where as much waits as may, loses nothing of that, and then takes more`()
        async
    {
        let held = HeldLane(lane(waiting: 2))

        #expect(held.add(0))
        await held.reached.wait()
        let answers = (1...4).map { held.add($0) }
        #expect(answers == [true, true, false, false])
        held.gate.open()
        await held.lane.drain()
        #expect(held.add(5))
        await held.lane.drain()

        #expect(held.shipped.all == [[0], [1, 2], [5]])
    }

    @Test(.timeLimit(.minutes(1)))
    func `lingers neither for a batch that is full nor where nothing waits`() async {
        let lane = GroupLane<Int>(.init(count: 1, bytes: 1000), linger: .seconds(3600))
        let shipped = Journal<[Int]>()

        let areAdded = (0...1).allSatisfy { item in
            lane.add(item, bytes: 1) { shipped.append($0) }
        }
        #expect(areAdded)
        await lane.drain()

        #expect(shipped.all == [[0], [1]])
    }

    @Test func `tells who waits for a number of items when so many were added, shipped or not`() async {
        let lane = lane()
        let told = Task { await lane.untilAdded(2) }
        for item in 0..<2 { #expect(lane.add(item, bytes: 1) { _ in }) }

        await told.value
        await lane.drain()
        await lane.untilAdded(2)  // at once: they were
    }
}
