import TallyAdmin
import TallyCore
import Testing

@Suite struct `A status as an operator writes it` {
    @Test(arguments: JobStatus.allCases)
    func `is its own word`(_ status: JobStatus) { #expect(JobStatus(word: status.rawValue) == status) }

    @Test(arguments: [
        ("ready", JobStatus.pending), ("inflight", JobStatus.processing),
        ("done", JobStatus.completed), ("dlq", JobStatus.failed),
    ])
    func `or TaskHarbor's`(_ word: String, _ status: JobStatus) { #expect(JobStatus(word: word) == status) }

    @Test(arguments: ["", "Pending", "pending ", "finished"])
    func `and no other`(_ word: String) { #expect(JobStatus(word: word) == nil) }
}
