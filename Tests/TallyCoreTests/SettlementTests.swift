import Testing

@testable import TallyCore

@Suite struct `A settlement` {
    private let lease = Lease(id: JobID(), version: 2, epoch: 1, expiresAt: .now)

    private func refusal(_ settlements: [Settlement]) -> QueueError.Code? {
        do throws(QueueError) {
            try Settlement.check(settlements)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `names its lease, its verb in the log, and the bytes that go along`() {
        let all: [(Settlement, Verb, Int)] = [
            (.ack(lease, result: [1, 2, 3]), .ack, 3), (.ack(lease), .ack, 0),
            (.retry(lease, runAt: nil, attempts: 1, error: "é"), .retry, 2),
            (.fail(lease, attempts: 3, error: "no"), .fail, 2), (.release(lease, runAt: .now), .release, 0),
        ]
        for (settlement, verb, bytes) in all {
            #expect(settlement.lease == lease && settlement.verb == verb && settlement.bytes == bytes)
        }
    }

    @Test func `goes with 499 others at most, and with results that fit one call together`() {
        let half = Limits.bodyBytesPerCall / 2
        func acks(_ bytes: Int...) -> [Settlement] {
            bytes.map { .ack(lease, result: Array(repeating: 7, count: $0)) }
        }

        #expect(refusal(Array(repeating: .ack(lease), count: Limits.jobsPerCall)) == nil)
        #expect(refusal(Array(repeating: .ack(lease), count: Limits.jobsPerCall + 1)) == .invalid)
        #expect(refusal(acks(half, half)) == nil)
        #expect(refusal(acks(half, half, 1)) == .invalid)
        // One alone may be as large as a result may be.
        #expect(refusal(acks(Limits.bodyBytesPerCall + 1)) == nil)
        // An error is cut to its bound before it is sent, and is no result.
        let text = String(repeating: "e", count: Limits.bodyBytesPerCall)
        #expect(refusal(Array(repeating: .fail(lease, attempts: 1, error: text), count: 3)) == nil)
    }
}
