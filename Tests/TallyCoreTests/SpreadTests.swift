import TallyCore
import Testing

@Suite struct `Jobs that are spread over a time` {
    private let begin = Timestamp(microseconds: 1_900_000_000_000_000)

    @Test func `begin in their order, in equal steps, the first at once and the last before the end`() {
        let records = (0..<4).map { _ in JobRecord(type: "t") }

        let spread = records.spread(over: .seconds(10), from: begin)

        #expect(spread.map(\.id) == records.map(\.id))
        #expect(
            spread.map(\.runAt) == [0, 2_500, 5_000, 7_500].map { begin + Duration.milliseconds($0) })
    }

    @Test func `keep a time of their own`() {
        let own = begin + .seconds(3600)
        let records = [JobRecord(type: "t", runAt: own), JobRecord(type: "t")]

        let spread = records.spread(over: .seconds(10), from: begin)

        #expect(spread.map(\.runAt) == [own, begin + .seconds(5)])
    }

    @Test(arguments: [0, 1, 2, 999_999])
    func `stand within the time also where that is ten years, and they are a million`(_ index: Int) {
        let offset = Spread.offset(index, of: 1_000_000, over: Limits.farthestRunAt)

        #expect(offset == .microseconds(315_360_000 * Int64(index)))
    }

    @Test(arguments: [100, 1_000])
    func `fill each part of it alike while nobody knows how many come`(_ count: Int) {
        let offsets = (0..<count).map { Spread.offset($0, over: .seconds(100)).microseconds }

        let parts = Dictionary(grouping: offsets) { $0 / 10_000_000 }.mapValues(\.count)
        #expect(parts.keys.sorted() == Array(0..<10))
        // The golden ratio leaves no part with more than two beyond its share.
        #expect(parts.values.allSatisfy { abs($0 - count / 10) <= 2 }, "\(parts)")
        #expect(Set(offsets).count == count)
    }

    @Test(arguments: [Duration.seconds(60), .microseconds(7), Limits.farthestRunAt])
    func `are a hundred thousand in their order, none at the end or behind it`(_ time: Duration) {
        let count = 100_000
        let offsets = (0..<count).map { Spread.offset($0, of: count, over: time) }

        #expect(offsets.first == .zero)
        #expect(zip(offsets, offsets.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(offsets.allSatisfy { $0 < time })
        let step = time.microseconds / Int64(count)
        let steps = zip(offsets, offsets.dropFirst()).map { ($1 - $0).microseconds }
        #expect(steps.allSatisfy { $0 == step || $0 == step + 1 })
    }

    @Test func `stand at the beginning where the numbers are none`() {
        #expect(Spread.offset(-1, of: 4, over: .seconds(9)) == .zero)
        #expect(Spread.offset(2, of: 0, over: .seconds(9)) == .zero)
        #expect(Spread.offset(9, of: 4, over: .seconds(8)) == .seconds(6), "the last one")
        #expect(Spread.offset(1, of: 4, over: .seconds(-9)) == .zero)
    }

    @Test func `begin at once where the time is nothing`() {
        #expect(Spread.offset(3, of: 4, over: .zero) == .zero)
        #expect(Spread.offset(3, over: .zero) == .zero)
    }
}
