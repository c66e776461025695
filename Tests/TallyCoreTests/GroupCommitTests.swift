import Testing

@testable import TallyCore

private typealias Commit = GroupCommit<String, Int>

@Suite struct `Group commit` {
    @Test func `the first item starts a shipper, and what comes while it works forms the next batch`() {
        var commit = Commit(.init(count: 10, bytes: 100))
        var starts = [commit.add(1, key: "a", bytes: 1)]
        var shipped = [commit.next()?.items]
        starts += [commit.add(2, key: "a", bytes: 1), commit.add(3, key: "a", bytes: 1)]
        #expect(commit.waiting == 2)
        shipped += [commit.next()?.items, commit.next()?.items]
        #expect(commit.shippers == 0)
        starts += [commit.add(4, key: "a", bytes: 1)]
        #expect(starts == [true, false, false, true])
        #expect(shipped == [[1], [2, 3], nil])
    }

    @Test func `no more shippers start than may be at work, and each ends when nothing waits`() {
        var commit = Commit(.init(count: 1, bytes: 100, shippers: 2))
        let starts = (0..<5).map { commit.add($0, key: "a", bytes: 1) }
        #expect(starts == [true, true, false, false, false])
        let shipped = (0..<6).map { _ in commit.next()?.items }
        #expect(shipped == [[0], [1], [2], [3], [4], nil])
        #expect(commit.shippers == 1)
        let last = commit.next()?.items
        #expect(last == nil)
        #expect(commit.shippers == 0)
    }

    @Test func `a batch is full by count or by bytes, and an item larger than a batch stands alone`() {
        var commit = Commit(.init(count: 3, bytes: 10))
        for (item, bytes) in [(1, 4), (2, 4), (3, 4), (4, 1), (5, 1), (6, 1), (7, 11), (8, 0)] {
            _ = commit.add(item, key: "a", bytes: bytes)
        }
        let shipped = drain(&commit)
        #expect(shipped == [[1, 2], [3, 4, 5], [6], [7], [8]])
    }

    @Test func `no more may wait than its bounds say, by count and by bytes, and what ships makes room`() {
        for bounds in [
            Commit.Bounds(count: 1, bytes: 100, waiting: 2),
            Commit.Bounds(count: 1, bytes: 100, waitingBytes: 11),
        ] {
            var commit = Commit(bounds)
            var rooms: [Bool] = []
            for item in 1...2 {
                rooms.append(commit.hasRoom)
                _ = commit.add(item, key: "a", bytes: 10)
            }
            rooms.append(commit.hasRoom)
            let first = commit.next()?.items
            rooms.append(commit.hasRoom)
            _ = commit.add(3, key: "a", bytes: 1000)
            rooms.append(commit.hasRoom)
            let rest = drain(&commit)
            rooms.append(commit.hasRoom)

            #expect(rooms == [true, true, false, true, false, true])
            #expect(first == [1] && rest == [[2], [3]])
        }
    }

    @Test func `items that bring several count as several`() {
        var commit = Commit(.init(count: 5, bytes: 100))
        for (item, count) in [(1, 3), (2, 2), (3, 1), (4, 9), (5, 1)] {
            _ = commit.add(item, key: "a", count: count, bytes: 1)
        }
        #expect(commit.waiting == 16)
        let shipped = drain(&commit)
        #expect(shipped == [[1, 2], [3], [4], [5]])
        #expect(commit.waiting == 0)
    }

    @Test func `keys do not mix, an item without a key stands alone, and each key keeps its order`() {
        var commit = Commit(.init(count: 10, bytes: 100))
        for (item, key) in [(1, "a"), (2, "b"), (3, nil), (4, "a"), (5, nil), (6, "b")] as [(Int, String?)] {
            _ = commit.add(item, key: key, bytes: 1)
        }
        let shipped = drain(&commit)
        #expect(shipped == [[1, 4], [2, 6], [3], [5]])
    }

    @Test func `a batch that has shipped takes nothing more, whatever still waits behind it`() {
        var commit = Commit(.init(count: 10, bytes: 100))
        _ = commit.add(1, key: "a", bytes: 1)
        _ = commit.add(2, key: "b", bytes: 1)
        let batch = commit.next()?.items
        #expect(batch == [1])
        _ = commit.add(3, key: "a", bytes: 1)
        _ = commit.add(4, key: "b", bytes: 1)
        let shipped = drain(&commit)
        #expect(shipped == [[2, 4], [3]])
    }

    @Test
    func
        `random traffic ships each item once, in order of its key, and a lane that is never idle does not grow`()
    {
        var random = Numbers(state: 7)
        var commit = Commit(.init(count: 4, bytes: 50, shippers: 3))
        var shipped: [[Int]] = []
        let keys = ["a", "b", "c", "d"]
        for item in 0..<5000 {
            _ = commit.add(
                item, key: keys[item % 4], count: 1 + Int(random.next() % 3), bytes: Int(random.next() % 30))
            if random.next() % 3 != 0, commit.batches.count > 3, let batch = commit.next() {
                shipped.append(batch.items)
                #expect(batch.items.count == 1 || batch.count <= 4 && batch.bytes <= 50)
            }
            #expect(commit.gone <= commit.batches.count / 2)
        }
        shipped += drain(&commit)
        #expect(shipped.flatMap(\.self).sorted() == Array(0..<5000))
        for key in 0..<4 {
            let own = shipped.flatMap(\.self).filter { $0 % 4 == key }
            #expect(own == own.sorted())
        }
        #expect(shipped.allSatisfy { batch in Set(batch.map { $0 % 4 }).count == 1 })
        #expect(commit.waiting == 0)
    }
}

private func drain(_ commit: inout Commit) -> [[Int]] {
    var batches: [[Int]] = []
    while let batch = commit.next() { batches.append(batch.items) }
    return batches
}

/// The same numbers in each run.
private struct Numbers: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}
