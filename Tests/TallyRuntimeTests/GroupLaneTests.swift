import TallyCore
import TestSupport
import Testing

@testable import TallyRuntime

@Suite struct `A lane of batches` {
    private func lane(waiting: Int = .max) -> GroupLane<Int> {
        GroupLane(.init(count: 100, bytes: 1000, shippers: 1, waiting: waiting))
    }

    @Test func `ships what comes while a batch is under way together, in its order`() async {
        let lane = lane()
        let (reached, gate) = (Gate(), Gate())
        let shipped = Journal<[Int]>()
        func add(_ item: Int) -> Bool {
            lane.add(item, bytes: 1) { batch in
                reached.open()
                await gate.wait()
                shipped.append(batch)
            }
        }

        #expect(add(0))
        await reached.wait()
        let areAdded = (1...50).allSatisfy { add($0) }
        #expect(areAdded)
        gate.open()
        await lane.drain()

        #expect(shipped.all == [[0], Array(1...50)])
    }

    @Test func `takes nothing more where as much waits as may, loses nothing of that, and then takes more`()
        async
    {
        let lane = lane(waiting: 2)
        let (reached, gate) = (Gate(), Gate())
        let shipped = Journal<[Int]>()
        func add(_ item: Int) -> Bool {
            lane.add(item, bytes: 1) { batch in
                reached.open()
                await gate.wait()
                shipped.append(batch)
            }
        }

        #expect(add(0))
        await reached.wait()
        let answers = (1...4).map { add($0) }
        #expect(answers == [true, true, false, false])
        gate.open()
        await lane.drain()
        #expect(add(5))
        await lane.drain()

        #expect(shipped.all == [[0], [1, 2], [5]])
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
