import TallyCore
import Testing

@testable import TallyRuntime

@Suite struct `The log of an attempt` {
    @Test func `keeps a bounded number of lines, and says that more were left out`() {
        var log = AttemptLog()
        let kept = (1...Limits.attemptLines + 5).map { log.add("line \($0)")?.number }

        #expect(kept == (1...Limits.attemptLines + 1).map { $0 } + [nil, nil, nil, nil])
        #expect(log.lines.count == Limits.attemptLines + 1 && log.lines[99] == "line 100")
        #expect(log.lines.last?.contains("left out") == true)
    }

    @Test func `keeps a bounded number of bytes, of a line and of all of them`() {
        var log = AttemptLog()
        for _ in 0..<Limits.attemptLines { _ = log.add(String(repeating: "x", count: 5000)) }

        let most = Limits.attemptLinesBytes / Limits.attemptLineBytes
        #expect(log.lines.count == most + 1)
        #expect(log.lines.prefix(most).allSatisfy { $0.utf8.count == Limits.attemptLineBytes })
    }

    @Test func `is known to a test of the handler`() {
        let context = JobContext(testing: JobRecord(type: "t"))

        context.log("first")
        context.log("\u{0}second")

        #expect(context.logged == ["first", "second"])
    }
}
