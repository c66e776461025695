import TallyCore
import Testing

@testable import TallyAdmin

@Suite struct `Older programs in a message` {
    private func beat(_ id: String) -> WorkerBeat {
        WorkerBeat(
            id: WorkerID(id), status: .running, queues: [.default], types: ["mail"], running: [],
            concurrency: 1, startedAt: Timestamp(microseconds: 0), host: "attic", pid: 7)
    }

    @Test func `are named alike in each, without what would draw on a terminal`() {
        let name = OlderPrograms.name(beat("a\u{1B}[2J"))
        let told = OlderWorkers(workers: [beat("a\u{1B}[2J")], layout: 2).description
        for text in [OlderPrograms.names([name]), told] {
            #expect(text.contains("a\u{FFFD}[2J (attic:7)"), "\(text)")
        }
    }

    @Test func `are a few of many`() {
        let beats = (0..<Limits.olderNamed + 2).map { beat("w\($0)") }
        let told = OlderWorkers(workers: beats, layout: 2).description
        let names = OlderPrograms.names(beats.map(OlderPrograms.name))
        #expect(names.hasSuffix("w\(Limits.olderNamed - 1) (attic:7) and 2 more"), "\(names)")
        #expect(told.contains("run: \(names); "), "\(told)")
        #expect(OlderPrograms.names(["a", "b"]) == "a, b")
    }
}
