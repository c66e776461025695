import Testing

@testable import TallyCore

@Suite struct `Pages` {
    @Test(
        arguments: [
            ([], 3, 10, []), ([1, 1, 1, 1], 3, 10, [[1, 1, 1], [1]]),
            ([4, 4, 4, 1], 9, 8, [[4, 4], [4, 1]]),
            ([20, 1, 20], 9, 8, [[20], [1], [20]]), ([8, 1], 9, 8, [[8], [1]]), ([0, 0], 1, 0, [[0], [0]]),
        ] as [([Int], Int, Int, [[Int]])])
    func `hold at most so many and so many bytes, and one that is larger alone`(
        _ weights: [Int], _ count: Int, _ bytes: Int, _ pages: [[Int]]
    ) {
        #expect(weights.pages(of: count, bytes: bytes) { $0 } == pages)
    }

    @Test func `do not overflow at the largest weights`() {
        #expect([Int.max, Int.max, 1].pages(of: 9, bytes: .max) { $0 } == [[Int.max], [Int.max], [1]])
    }
}
