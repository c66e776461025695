import TallyCore
import Testing

@testable import TallyLab

@Suite struct `Histories of Redis` {
    private func at(_ epoch: Int64, _ seq: Int64) -> LogPosition { LogPosition(epoch: epoch, seq: seq) }

    @Test func `know what came before them, up to where each forked off`() {
        var histories = RedisHistories()
        histories.add(1, leaving: at(0, 0))
        histories.add(5, leaving: at(1, 100))
        histories.add(7, leaving: at(1, 60))  // from an older copy: it never heard of epoch 5
        histories.add(9, leaving: at(7, 20))
        #expect(histories.knew(at(1, 100), at: at(5, 1)) == true)
        #expect(histories.knew(at(1, 101), at: at(5, 1)) == false)
        #expect(histories.knew(at(1, 60), at: at(9, 4)) == true)
        #expect(histories.knew(at(1, 61), at: at(9, 4)) == false)
        #expect(histories.knew(at(5, 1), at: at(9, 4)) == false)
        #expect(histories.knew(at(7, 20), at: at(9, 1)) == true)
        #expect(histories.knew(at(7, 20), at: at(7, 19)) == false, "nothing is known before it happens")
        #expect(histories.knew(at(1, 1), at: at(11, 1)) == nil, "nobody saw how epoch 11 began")
    }
}
