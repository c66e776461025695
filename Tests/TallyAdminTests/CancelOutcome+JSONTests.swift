import TallyAdmin
import TallyCore
import Testing

@testable import TallyRuntime

@Suite struct `The outcome of a cancellation` {
    private let id = JobID()

    @Test(arguments: [
        (CancelOutcome.cancelled, "cancelled", true), (CancelOutcome.cancelling, "cancelling", true),
        (CancelOutcome.ended(.completed), "ended: completed", false),
        (CancelOutcome.notFound, "not_found", false),
        (CancelOutcome.uncertain("Redis is away"), "uncertain: Redis is away", false),
    ])
    func `says in one line what became of the job`(
        _ outcome: CancelOutcome, _ text: String, _ isDone: Bool
    ) {
        #expect(outcome.text == text && outcome.isDone == isDone)
    }

    @Test func `of one Redis names no shard`() {
        let fields = CancelReport(outcome: .ended(.failed)).json(id)

        #expect(Set(fields.keys) == ["id", "outcome", "detail"])
        #expect(fields["id"] as? String == id.description && fields["detail"] as? String == "failed")
    }

    @Test func `of several says what each said, and which could not be asked`() throws {
        var report = CancelReport(outcome: .cancelling)
        report.isSharded = true
        report.shards = [(Shard(0), .ended(.completed)), (Shard(2), .cancelling)]
        report.unread = [Shard(1)]
        let fields = report.json(id)

        let shards = try #require(fields["shards"] as? [[String: Any]])
        #expect(shards.map { $0["shard"] as? Int } == [0, 2])
        #expect(shards.map { $0["outcome"] as? String } == ["ended", "cancelling"])
        #expect(shards.map { $0["detail"] as? String } == ["completed", ""])
        #expect(fields["unread_shards"] as? [Int] == [1] && fields["outcome"] as? String == "cancelling")
    }
}
