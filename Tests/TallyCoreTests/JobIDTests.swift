import Synchronization
import Testing

@testable import TallyCore

@Suite struct `A job id` {
    @Test func `is unique and rising over 100,000 in one thread`() {
        let ids = (0..<100_000).map { _ in JobID() }

        #expect(zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 })
        #expect(ids.allSatisfy { $0.isTimeOrdered })
    }

    @Test func `is unique over 100,000 made by many tasks at once`() async {
        let all = await withTaskGroup(of: [JobID].self) { group in
            for _ in 0..<10 { group.addTask { (0..<10_000).map { _ in JobID() } } }
            return await group.reduce(into: [JobID]()) { $0 += $1 }
        }

        #expect(Set(all).count == 100_000)
    }

    @Test func `carries its creation time to the millisecond`() {
        let time = Timestamp(microseconds: 1_893_456_000_123_000)

        #expect(JobID(createdAt: time).createdAt == time)
        #expect(JobID(createdAt: time) < JobID(createdAt: time + .milliseconds(1)))
        #expect(JobID(createdAt: Timestamp(microseconds: -5)).createdAt == Timestamp(microseconds: 0))
    }

    @Test func `made now lies within a second of the clock`() {
        let before = Timestamp.now
        let id = JobID()

        #expect(id.createdAt - before > .seconds(-1) && id.createdAt - before < .seconds(1))
    }

    @Test func `reads back from its text in either case`() {
        var random = SystemlessRandom(seed: 5)
        for _ in 0..<1000 {
            let id = JobID(high: random.next(), low: random.next())
            #expect(JobID(id.description) == id)
            #expect(JobID(id.description.uppercased()) == id)
            #expect(id.description.count == 36)
        }
        #expect(
            JobID(high: 0x018F_3C2E_7B1A_7C3D, low: 0x9E4F_0123_4567_89AB).description
                == "018f3c2e-7b1a-7c3d-9e4f-0123456789ab")
    }

    @Test(arguments: [
        "", "x", "018f3c2e7b1a7c3d9e4f0123456789ab", "018f3c2e-7b1a-7c3d-9e4f-0123456789a",
        "018f3c2e-7b1a-7c3d-9e4f-0123456789abc", "018f3c2e-7b1a-7c3d-9e4f-0123456789ag",
        "018f3c2e_7b1a-7c3d-9e4f-0123456789ab", "{18f3c2e-7b1a-7c3d-9e4f-0123456789a}",
        "018f3c2-e7b1a-7c3d-9e4f-0123456789ab", "０18f3c2e-7b1a-7c3d-9e4f-0123456789",
    ])
    func `refuses any other text`(_ text: String) {
        #expect(JobID(text) == nil)
    }

    @Test func `knows version 7 and its variant from other UUIDs`() throws {
        #expect(!JobID.zero.isTimeOrdered)
        #expect(try !#require(JobID("018f3c2e-7b1a-4c3d-9e4f-0123456789ab")).isTimeOrdered)
        #expect(try !#require(JobID("018f3c2e-7b1a-7c3d-1e4f-0123456789ab")).isTimeOrdered)
        #expect(try #require(JobID("018f3c2e-7b1a-7c3d-be4f-0123456789ab")).isTimeOrdered)
    }

    @Test func `sorts as its text does`() {
        let ids = (0..<500).map { JobID(createdAt: Timestamp(microseconds: Int64($0 * 7919 % 500) * 1000)) }

        #expect(ids.sorted().map(\.description) == ids.map(\.description).sorted())
    }
}
