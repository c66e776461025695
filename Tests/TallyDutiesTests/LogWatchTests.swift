import TallyCore
import TallyTesting
import TestSupport
import Testing

@testable import TallyDuties

private struct Complaints: JobObserver {
    let all = Journal<LogFills>()
    func dutyFailed(_ duty: String, _ error: any Error) {
        if let error = error as? LogFills { all.append(error) }
    }
}

@Suite struct `The watch over the log` {
    @Test func `warns from half of the budget on, and no longer once the ledger has caught up [F19]`()
        async throws
    {
        let pair = Pair()
        let complaints = Complaints()
        let watch = LogWatch(queue: pair.queue.store, observer: complaints, budget: 8)
        func fill(_ count: Int) async throws {
            for _ in 0..<count {
                _ = try await pair.memory.push([Push(JobRecord(type: "t"))], issued: nil)
            }
        }
        let begun = try await pair.memory.history().logLength
        try await fill(4 - begun)
        try await watch.step()
        #expect(complaints.all.all == [])
        try await fill(1)
        try await watch.step()
        #expect(complaints.all.all == [LogFills(length: 5, budget: 8)])
        while try await pair.mirror.step() > 0 {}
        try await watch.step()
        #expect(complaints.all.count == 1)
    }
}
