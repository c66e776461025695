import Testing

@testable import TallyCore

@Suite struct `The history of a queue` {
    /// An epoch is numbered by the millisecond that it began in.
    private func history(isHeld: Bool, after time: Duration) -> QueueHistory {
        let epoch: Int64 = 1_893_456_000_000
        return QueueHistory(
            shard: Shard(2), epoch: epoch, seq: 9, isHeld: isHeld,
            now: Timestamp(microseconds: epoch * 1000) + time, logLength: 3)
    }

    @Test func `says how long until a held epoch opens by itself, and nothing of an open one`() {
        #expect(history(isHeld: false, after: .zero).opensIn == nil)
        #expect(history(isHeld: true, after: .zero).opensIn == Limits.hold)
        #expect(history(isHeld: true, after: .seconds(10)).opensIn == Limits.hold - .seconds(10))
        #expect(history(isHeld: true, after: Limits.hold).opensIn == .zero)
        #expect(history(isHeld: true, after: .seconds(86_400)).opensIn == .zero)
    }

    @Test func `waits no longer than a hold where the clock went back`() {
        #expect(history(isHeld: true, after: .zero - .seconds(3600)).opensIn == Limits.hold)
    }

    @Test func `ends at its last entry, on its own shard`() {
        let history = history(isHeld: false, after: .zero)

        #expect(history.end == LogPosition(shard: Shard(2), epoch: history.epoch, seq: 9))
    }
}
