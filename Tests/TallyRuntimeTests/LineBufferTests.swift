import TallyCore
import Testing

@testable import TallyRuntime

@Suite struct `Lines that wait to be reported` {
    private let job = JobID()

    private func line(_ number: Int, bytes: Int = 10) -> AttemptLine {
        AttemptLine(
            job: job, epoch: 1, version: 2, number: number, at: .now,
            text: String(repeating: "x", count: bytes))
    }

    @Test func `go to the shard of their lease, in order, a bounded number at a time`() {
        var buffer = LineBuffer()
        let count = 200
        for number in 1...count { _ = buffer.add(line(number, bytes: Limits.attemptLineBytes), of: .first) }
        _ = buffer.add(line(1), of: Shard(1))

        var taken: [[AttemptLine]] = []
        while buffer.hasMore(of: .first) { taken.append(buffer.take(of: .first).lines) }

        #expect(taken.flatMap { $0 }.map(\.number) == Array(1...count))
        #expect(taken.count > 1)
        for lines in taken {
            #expect(lines.reduce(0) { $0 + $1.text.utf8.count } <= Limits.toldLinesBytes)
        }
        let (rest, others) = (buffer.take(of: .first), buffer.take(of: Shard(1)))
        #expect(rest.lines.isEmpty && others.lines.count == 1)
    }

    @Test func `come first again where the queue may not have heard them`() {
        var buffer = LineBuffer()
        for number in 1...3 { _ = buffer.add(line(number), of: .first) }

        let taken = buffer.take(of: .first)
        _ = buffer.add(line(4), of: .first)
        buffer.putBack(taken, of: .first)

        let again = buffer.take(of: .first)
        #expect(again.lines.map(\.number) == [1, 2, 3, 4] && again.leftOut == 0)
        #expect(!buffer.hasMore(of: .first))
    }

    @Test func `are left out while too many wait, and no longer once these are heard`() {
        var buffer = LineBuffer()
        let most = Limits.linesWaitingBytes / Limits.attemptLineBytes
        let kept = (1...most).filter { buffer.add(line($0, bytes: Limits.attemptLineBytes), of: .first) }
        #expect(kept.count < most && kept.count > most / 2)

        while buffer.hasMore(of: .first) { _ = buffer.take(of: .first) }
        let isKept = buffer.add(line(1), of: .first)

        #expect(isKept)
    }

    @Test func `are left out while the log has no room, and the next that is told says how many`() {
        var buffer = LineBuffer()
        for number in 1...3 { _ = buffer.add(line(number), of: .first) }
        let refused = buffer.take(of: .first)
        _ = buffer.add(line(4), of: .first)
        buffer.heard(refused, BeatAnswer(hasRoom: false), of: .first)

        let isKept = buffer.add(line(5), of: .first)
        let other = buffer.add(line(1), of: Shard(1))
        let none = buffer.take(of: .first)
        #expect(!isKept && other && !buffer.mayTell(.first) && buffer.mayTell(Shard(1)))
        #expect(!buffer.hasMore(of: .first) && none.lines.isEmpty && none.leftOut == 0)

        buffer.heard(LineBuffer.Told(), BeatAnswer(hasRoom: true), of: .first)
        for number in 6...7 { _ = buffer.add(line(number), of: .first) }
        let told = buffer.take(of: .first)
        let asTold = told.asTold
        #expect(told.leftOut == 5 && asTold.map(\.number) == [6, 7] && buffer.mayTell(.first))
        #expect(asTold[0].text.hasPrefix("(left out before this: 5 of its worker's lines) x"))
        #expect(asTold[1] == told.lines[1])
        // An answer that was lost loses neither the lines nor the number.
        buffer.putBack(told, of: .first)
        let again = buffer.take(of: .first)
        #expect(again.leftOut == 5 && again.lines == told.lines)
        buffer.heard(again, BeatAnswer(hasRoom: true), of: .first)
        _ = buffer.add(line(8), of: .first)
        let last = buffer.take(of: .first)
        #expect(last.leftOut == 0 && last.asTold == last.lines)
    }
}
