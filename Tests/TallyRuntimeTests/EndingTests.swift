import TallyCore
import Testing

@testable import TallyRuntime

@Suite struct `The end of an attempt` {
    private struct ConnectionRefused: Error {}

    private func ending(_ error: any Error, attempts: Int = 0) -> Settlement.Ending {
        let record = JobRecord(type: "t", maxAttempts: 5)
        let lease = Lease(id: record.id, version: 2, epoch: 1, expiresAt: .now)
        let job = ReservedJob(record: record, lease: lease, attempts: attempts)
        return Ending.decide(
            .failure(error), job: job, stop: nil, retries: ExponentialBackoff(maxAttempts: 5),
            now: Timestamp(microseconds: 0), random: 0.5)
    }

    @Test func `is another attempt after an ordinary error, and none after a final one [G5, F8]`() {
        guard case .retry(let runAt, attempts: 1, _) = ending(ConnectionRefused()) else {
            Issue.record("an ordinary error was not retried")
            return
        }
        #expect(runAt == Timestamp(microseconds: 5_000_000))
        guard case .fail(attempts: 1, error: "no such customer") = ending(JobError.final("no such customer"))
        else {
            Issue.record("a final error was retried")
            return
        }
    }

    @Test func `is the dead-letter set once the attempts are used up [G2]`() {
        guard case .retry = ending(ConnectionRefused(), attempts: 3) else {
            Issue.record("the fourth failure of five was final")
            return
        }
        guard case .fail(attempts: 5, _) = ending(ConnectionRefused(), attempts: 4) else {
            Issue.record("the fifth failure of five was retried")
            return
        }
    }

    @Test func `that comes too late is handed back, to be refused [D3, C13]`() {
        guard case .release(nil) = ending(JobError.stale) else {
            Issue.record("a stale attempt was reported")
            return
        }
    }
}
